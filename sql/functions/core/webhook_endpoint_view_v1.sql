-- A webhook endpoint as the API shows it. The secret never leaves in a view.
create or replace function core.webhook_endpoint_view_v1(p core.webhook_endpoint) returns json
language plpgsql stable as $$
begin
    return json_build_object(
        'id', p.id, 'object', 'webhook_endpoint', 'url', p.url, 'enabled_events', p.enabled_events,
        'status', p.status, 'created_at', core.iso_v1(p.created_at), 'updated_at', core.iso_v1(p.updated_at));
end
$$;
