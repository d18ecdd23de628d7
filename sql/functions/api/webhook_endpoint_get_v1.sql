-- p: {endpoint_id} → endpoint view. Raises PA404 webhook_endpoint_not_found.
create or replace function api.webhook_endpoint_get_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
begin
    perform core.tenant_v1(p_merchant);
    return core.webhook_endpoint_view_v1(core.webhook_endpoint_find_v1(p ->> 'endpoint_id'));
end
$$;
