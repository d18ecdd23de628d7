-- Cancel a payment. Authorized: begins a void. Not yet decided: records the intent, and whatever is approved later is
-- taken back and the payment ends canceled. Between attempts: canceled at once.
-- p: {payment_id, operation_id, event_id, idempotency?, reason?, at, send_within_ms, lease_ms}
-- → {result: "begun", payment: view, dispatch: DISPATCH} | {result: "recorded", payment: view} | replay
-- Raises PA404 payment_not_found, PA409, PA410 payment_not_cancelable | operation_in_progress.
create or replace function api.cancel_begin_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_at timestamptz := (p ->> 'at')::timestamptz;
    v_replay json;
    v_payment core.payment;
    v_winner core.operation;
    v_op core.operation;
    v_view json;
begin
    perform core.tenant_v1(p_merchant);
    v_replay := core.idempotency_take_v1(
        p_merchant, p -> 'idempotency', p ->> 'payment_id', p ->> 'operation_id', v_at);
    if v_replay is not null then
        return v_replay;
    end if;
    v_payment := core.lock_payment_v1(p ->> 'payment_id');
    if v_payment.status in ('processing', 'requires_action', 'needs_review') and v_payment.winner is null then
        v_view := core.cancel_record_v1(v_payment, p, v_at);
        return json_build_object('result', 'recorded', 'payment', v_view);
    elsif v_payment.status <> 'authorized' then
        perform core.refuse_v1('PA410', 'payment_not_cancelable',
                               format('A payment that is %s cannot be canceled.', v_payment.status));
    end if;
    perform 1 from core.operation o
    where o.payment_id = v_payment.id and o.kind in ('void', 'capture') and o.reversal_of is null
      and core.is_live_v1(o.status);
    if found then
        perform core.refuse_v1('PA410', 'operation_in_progress', 'A capture or another cancel is under way.');
    end if;
    select * into strict v_winner from core.operation o where o.id = v_payment.winner;
    v_payment.cancel_requested_at := v_at;
    v_payment.updated_at := v_at;
    perform core.save_payment_v1(v_payment);
    v_op := core.operation_new_v1(v_payment, p, 'void', v_winner.account_id, v_winner.provider,
                                  v_payment.amount_authorized, v_winner.provider_reference);
    return json_build_object('result', 'begun', 'payment', core.payment_view_v1(v_payment),
                             'dispatch', core.dispatch_v1(v_op, v_payment, v_at));
end
$$;
