-- Insert if absent. p: {purpose, key_id, wrapped, at?} → {key_id, wrapped}: the row that stands
create or replace function api.data_key_put_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_row vault.data_key;
begin
    perform core.tenant_v1(p_merchant);
    insert into vault.data_key (merchant, purpose, key_id, wrapped, created_at)
    values (p_merchant, p ->> 'purpose', p ->> 'key_id', p ->> 'wrapped',
            coalesce((p ->> 'at')::timestamptz, clock_timestamp()))
    on conflict (merchant, purpose) do nothing;
    select * into strict v_row from vault.data_key k where k.merchant = p_merchant and k.purpose = p ->> 'purpose';
    return json_build_object('key_id', v_row.key_id, 'wrapped', v_row.wrapped);
end
$$;
