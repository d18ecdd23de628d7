-- Trigger: a merchant's endpoint was disabled (it answered 410), or is enabled or deleted again.
create or replace function core.alert_endpoint_v1() returns trigger
language plpgsql as $$
begin
    if new.status = 'disabled' and new.deleted_at is null then
        perform core.alert_raise_v1('endpoint_disabled', new.id, new.merchant, '{}', new.updated_at);
    else
        perform core.alert_clear_v1('endpoint_disabled', new.id, new.updated_at);
        perform core.alert_clear_v1('deliveries_dead', new.id, new.updated_at);
    end if;
    return null;
end
$$;
