-- p: {account_id} → account view. Raises PA404 provider_account_not_found.
create or replace function api.provider_account_get_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
begin
    perform core.tenant_v1(p_merchant);
    return core.provider_account_view_v1(core.provider_account_find_v1(p ->> 'account_id'));
end
$$;
