-- A delivery as the API shows it.
create or replace function core.delivery_view_v1(p core.delivery) returns json
language plpgsql stable as $$
begin
    return json_build_object(
        'id', p.id, 'object', 'webhook_delivery', 'endpoint', p.endpoint_id, 'event', p.event_id,
        'event_type', p.event_type, 'payment', p.payment_id, 'status', p.status, 'attempts', p.attempts,
        'status_code', p.status_code, 'error', p.error,
        'next_at', case when p.status = 'pending' then core.iso_v1(p.next_at) end,
        'created_at', core.iso_v1(p.created_at), 'delivered_at', core.iso_v1(p.delivered_at));
end
$$;
