-- p: {purpose} → {key_id, wrapped} or null
create or replace function api.data_key_get_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_row vault.data_key;
begin
    perform core.tenant_v1(p_merchant);
    select * into v_row from vault.data_key k where k.merchant = p_merchant and k.purpose = p ->> 'purpose';
    return case when v_row.key_id is not null
                then json_build_object('key_id', v_row.key_id, 'wrapped', v_row.wrapped) end;
end
$$;
