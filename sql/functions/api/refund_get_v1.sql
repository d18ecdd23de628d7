-- p: {refund_id} → refund view. Raises PA404 refund_not_found.
create or replace function api.refund_get_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_op core.operation;
begin
    perform core.tenant_v1(p_merchant);
    select * into v_op from core.operation o
    where o.id = p ->> 'refund_id' and o.kind = 'refund' and o.reversal_of is null;
    if not found then
        perform core.refuse_v1('PA404', 'refund_not_found', 'No such refund.');
    end if;
    return core.refund_view_v1(v_op);
end
$$;
