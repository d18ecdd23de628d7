-- p: {account_id, provider, base_url, credentials_ciphertext, key_id, settings, at} → account view
create or replace function api.provider_account_create_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_row core.provider_account;
begin
    perform core.tenant_v1(p_merchant);
    insert into core.provider_account (id, merchant, provider, base_url, credentials_ciphertext, key_id, settings, created_at)
    values (p ->> 'account_id', p_merchant, p ->> 'provider', p ->> 'base_url', p ->> 'credentials_ciphertext',
            p ->> 'key_id', case when jsonb_typeof(p -> 'settings') = 'object' then p -> 'settings' else '{}' end,
            (p ->> 'at')::timestamptz)
    returning * into v_row;
    return core.provider_account_view_v1(v_row);
end
$$;
