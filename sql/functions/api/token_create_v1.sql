-- Store a sealed card. p: the card object of payment_begin_v1, and at → token view
create or replace function api.token_create_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
begin
    perform core.tenant_v1(p_merchant);
    return core.token_view_v1(core.token_put_v1(p_merchant, p, (p ->> 'at')::timestamptz));
end
$$;
