-- The workflows were started or signalled, acknowledged by the server. p: {ids} → {done}
create or replace function sys.order_done_v1(p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_count bigint;
begin
    delete from core.workflow_order o
    where o.id = any (array(select jsonb_array_elements_text(p -> 'ids'))) and o.lease_until is not null;
    get diagnostics v_count = row_count;
    return json_build_object('done', v_count);
end
$$;
