-- A dispatcher lets go of what it holds (it stops, or starts again with empty hands): due again at once, no try counted.
-- p: {dispatcher} → {released}
create or replace function sys.delivery_release_v1(p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_count bigint;
begin
    update core.delivery d set dispatcher = null, lease_until = null
    where d.status = 'pending' and d.dispatcher = p ->> 'dispatcher';
    get diagnostics v_count = row_count;
    return json_build_object('released', v_count);
end
$$;
