-- What came of several tries, in one commit: as delivery_result_v1 for each.
-- p: {dispatcher, results: [{delivery_id, ok, status_code?, error?, next_at?, dead, disable_endpoint, at}]}
-- → {applied, stale}
create or replace function sys.delivery_results_v1(p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_result jsonb;
    v_applied int := 0;
    v_stale int := 0;
begin
    for v_result in select * from jsonb_array_elements(p -> 'results') loop
        if sys.delivery_result_v1(v_result || jsonb_build_object('dispatcher', p ->> 'dispatcher')) ->> 'result'
           = 'applied' then
            v_applied := v_applied + 1;
        else
            v_stale := v_stale + 1;
        end if;
    end loop;
    return json_build_object('applied', v_applied, 'stale', v_stale);
end
$$;
