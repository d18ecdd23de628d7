-- Whose account a PSP's notification is for; its signature is verified afterwards. p: {account_id} → {merchant} or null
create or replace function sys.provider_account_lookup_v1(p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_answer json;
begin
    select json_build_object('merchant', a.merchant) into v_answer
    from core.provider_account a where a.id = p ->> 'account_id';
    return v_answer;
end
$$;
