-- p: {token_id} → token view. Raises PA404 token_not_found.
create or replace function api.token_get_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_token vault.token;
begin
    perform core.tenant_v1(p_merchant);
    select * into v_token from vault.token t where t.id = p ->> 'token_id';
    if not found then
        perform core.refuse_v1('PA404', 'token_not_found', 'No such token.');
    end if;
    return core.token_view_v1(v_token);
end
$$;
