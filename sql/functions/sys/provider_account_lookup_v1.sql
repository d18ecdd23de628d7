-- Whose account a PSP's notification is for, and the account with its sealed credentials, to verify it; nothing is known
-- of the sender before. A deleted account still resolves. p: {account_id}
-- → {merchant, account: {id, provider, base_url, credentials_ciphertext, key_id, settings}} or null
create or replace function sys.provider_account_lookup_v1(p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_answer json;
begin
    select json_build_object('merchant', a.merchant, 'account', json_build_object(
        'id', a.id, 'provider', a.provider, 'base_url', a.base_url,
        'credentials_ciphertext', a.credentials_ciphertext, 'key_id', a.key_id, 'settings', a.settings))
    into v_answer from core.provider_account a where a.id = p ->> 'account_id';
    return v_answer;
end
$$;
