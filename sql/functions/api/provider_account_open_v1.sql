-- The account with its sealed credentials, to verify a notification. A deleted account still resolves.
-- p: {account_id} → {id, provider, base_url, credentials_ciphertext, key_id, settings}
-- Raises PA404 provider_account_not_found.
create or replace function api.provider_account_open_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_row core.provider_account;
begin
    perform core.tenant_v1(p_merchant);
    select * into v_row from core.provider_account a where a.id = p ->> 'account_id';
    if not found then
        perform core.refuse_v1('PA404', 'provider_account_not_found', 'No such provider account.');
    end if;
    return json_build_object(
        'id', v_row.id, 'provider', v_row.provider, 'base_url', v_row.base_url,
        'credentials_ciphertext', v_row.credentials_ciphertext, 'key_id', v_row.key_id, 'settings', v_row.settings);
end
$$;
