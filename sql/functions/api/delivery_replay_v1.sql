-- Send a delivery again, from the first step of the schedule, whatever came of it.
-- p: {delivery_id, at} → delivery view. Raises PA404 delivery_not_found, PA410 webhook_endpoint_disabled.
create or replace function api.delivery_replay_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_row core.delivery;
    v_usable boolean;
begin
    perform core.tenant_v1(p_merchant);
    select * into v_row from core.delivery d where d.id = p ->> 'delivery_id' for update;
    if not found then
        perform core.refuse_v1('PA404', 'delivery_not_found', 'No such delivery.');
    end if;
    select w.status = 'enabled' and w.deleted_at is null into v_usable
    from core.webhook_endpoint w where w.id = v_row.endpoint_id;
    if not v_usable then
        perform core.refuse_v1('PA410', 'webhook_endpoint_disabled', 'The endpoint is disabled or deleted.');
    end if;
    update core.delivery d set status = 'pending', attempts = 0, next_at = (p ->> 'at')::timestamptz, error = null,
        status_code = null, delivered_at = null, dispatcher = null, lease_until = null
    where d.id = v_row.id returning * into v_row;
    return core.delivery_view_v1(v_row);
end
$$;
