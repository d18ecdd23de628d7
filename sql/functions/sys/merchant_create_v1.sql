-- p: {merchant_id, name, mcc?, country?, keys: [{key_id, kind: secret|publishable, hash}], at}
-- → {id, object: "merchant", name, mcc, country, created_at}
create or replace function sys.merchant_create_v1(p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_at timestamptz := (p ->> 'at')::timestamptz;
begin
    insert into core.merchant (id, name, mcc, country, created_at)
    values (p ->> 'merchant_id', p ->> 'name', p ->> 'mcc', p ->> 'country', v_at);
    insert into core.api_key (id, merchant, kind, hash, created_at)
    select k ->> 'key_id', p ->> 'merchant_id', k ->> 'kind', k ->> 'hash', v_at
    from jsonb_array_elements(coalesce(p -> 'keys', '[]')) as k;
    return sys.merchant_get_v1(jsonb_build_object('merchant_id', p ->> 'merchant_id'));
end
$$;
