-- Write down an operator's action that changes nothing by itself: what was read, and what was refused.
-- p: {operator, confirmed_by?, action, result, merchant?, payment_id?, subject?, why?, origin?, at} → {id}
create or replace function sys.audit_add_v1(p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
begin
    return json_build_object('id', core.audit_v1(p));
end
$$;
