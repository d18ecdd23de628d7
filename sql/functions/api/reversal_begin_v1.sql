-- Begin to take a surplus approval back: a void if it was not captured, else a refund.
-- p: {operation_id (new), of, at, send_within_ms, lease_ms}
-- → {result: "begun", payment: view, dispatch: DISPATCH}
--   | {result: "refused", why: "not_surplus" | "already_reversed" | "operation_in_progress", payment: view}
create or replace function api.reversal_begin_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    s core.progress;
    v_target core.operation;
    v_op core.operation;
    v_why text;
begin
    perform core.tenant_v1(p_merchant);
    s := core.progress_begin_v1(p ->> 'of');
    v_target := s.operation;
    v_why := case
        when v_target.status = 'reversed' then 'already_reversed'
        when not v_target.surplus then 'not_surplus'
        when exists (select from core.operation o where o.reversal_of = v_target.id and core.is_live_v1(o.status))
            then 'operation_in_progress'
    end;
    if v_why is not null then
        return json_build_object('result', 'refused', 'why', v_why, 'payment', core.payment_view_v1(s.payment));
    end if;
    v_op := core.operation_new_v1(
        s.payment, p, case when v_target.captured then 'refund' else 'void' end, v_target.account_id,
        v_target.provider, v_target.amount_approved, v_target.provider_reference, true, v_target.id);
    v_target.reversed_by := v_op.id;
    perform core.save_operation_v1(v_target);
    return json_build_object('result', 'begun', 'payment', core.payment_view_v1(s.payment),
                             'dispatch', core.dispatch_v1(v_op, s.payment, (p ->> 'at')::timestamptz));
end
$$;
