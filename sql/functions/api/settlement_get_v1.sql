-- p: {settlement_id} → settlement view. Raises PA404 settlement_not_found.
create or replace function api.settlement_get_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
begin
    perform core.tenant_v1(p_merchant);
    return core.settlement_view_v1(core.settlement_find_v1(p ->> 'settlement_id'));
end
$$;
