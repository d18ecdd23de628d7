-- Authentication. p: {hash} → {merchant, kind} or null
create or replace function sys.api_key_lookup_v1(p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_answer json;
begin
    select json_build_object('merchant', k.merchant, 'kind', k.kind) into v_answer
    from core.api_key k where k.hash = p ->> 'hash';
    return v_answer;
end
$$;
