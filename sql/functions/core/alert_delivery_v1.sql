-- Trigger: an event was given up for an endpoint. One alert per endpoint; a disabled endpoint has an alert of its own.
create or replace function core.alert_delivery_v1() returns trigger
language plpgsql as $$
begin
    if exists (select from core.webhook_endpoint w
               where w.id = new.endpoint_id and w.status = 'enabled' and w.deleted_at is null) then
        perform core.alert_raise_v1(
            'deliveries_dead', new.endpoint_id, new.merchant,
            jsonb_build_object('delivery', new.id, 'event_type', new.event_type, 'status_code', new.status_code),
            clock_timestamp());
    end if;
    return null;
end
$$;
