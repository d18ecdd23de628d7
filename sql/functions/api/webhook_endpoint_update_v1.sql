-- Change what is given, leave the rest. p: {endpoint_id, url?, enabled_events?, status?: enabled|disabled, at}
-- → endpoint view. Raises PA404 webhook_endpoint_not_found.
create or replace function api.webhook_endpoint_update_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_row core.webhook_endpoint;
begin
    perform core.tenant_v1(p_merchant);
    v_row := core.webhook_endpoint_find_v1(p ->> 'endpoint_id');
    update core.webhook_endpoint w set
        url = coalesce(p ->> 'url', w.url),
        enabled_events = case when jsonb_typeof(p -> 'enabled_events') = 'array'
                              then array(select jsonb_array_elements_text(p -> 'enabled_events'))
                              else w.enabled_events end,
        status = coalesce(p ->> 'status', w.status), updated_at = (p ->> 'at')::timestamptz
    where w.id = v_row.id returning * into v_row;
    return core.webhook_endpoint_view_v1(v_row);
end
$$;
