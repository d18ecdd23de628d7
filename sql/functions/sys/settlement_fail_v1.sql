-- A file that is no settlement file of its provider. p: {settlement_id, error} → {failed}
create or replace function sys.settlement_fail_v1(p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
begin
    update core.settlement_file f set status = 'failed', error = p ->> 'error', lease_until = null
    where f.id = p ->> 'settlement_id' and f.status = 'received';
    return json_build_object('failed', found);
end
$$;
