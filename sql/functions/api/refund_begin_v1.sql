-- Begin a refund: reserves the amount under the payment's lock.
-- p: {payment_id, operation_id, event_id, idempotency?, amount?, reason?, metadata?, at, send_within_ms, lease_ms,
--     refund_windows?: {provider: seconds}}
-- → {result: "begun", payment: view, refund: view, dispatch: DISPATCH}
--   | replay as payment_begin_v1, with refund: view while in flight or open
-- Raises PA404 payment_not_found, PA409, PA410 payment_not_refundable | operation_in_progress | refund_period_over,
-- PA422 amount_exceeds_captured | refund_spans_authorizations, PA422 amount_disputed: what a bank may take, or has taken,
-- is not given back a second time.
create or replace function api.refund_begin_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_at timestamptz := (p ->> 'at')::timestamptz;
    v_replay json;
    v_payment core.payment;
    v_winner core.operation;
    v_op core.operation;
    v_left bigint;
    v_amount bigint;
    v_view json;
begin
    perform core.tenant_v1(p_merchant);
    v_replay := core.idempotency_take_v1(
        p_merchant, p -> 'idempotency', p ->> 'payment_id', p ->> 'operation_id', v_at);
    if v_replay is not null then
        return v_replay;
    end if;
    v_payment := core.lock_payment_v1(p ->> 'payment_id');
    if v_payment.amount_captured = 0 and exists (
        select from core.operation o where o.payment_id = v_payment.id and core.is_live_v1(o.status)
                                       and o.reversal_of is null and v_payment.winner is not null) then
        perform core.refuse_v1('PA410', 'operation_in_progress', 'A capture or a cancel is under way.');
    elsif v_payment.amount_captured = 0 then
        perform core.refuse_v1('PA410', 'payment_not_refundable',
                               format('A payment that is %s has nothing to refund.', v_payment.status));
    end if;
    v_left := v_payment.amount_captured - v_payment.amount_refunded - v_payment.amount_refunding;
    v_amount := coalesce((p ->> 'amount')::bigint, nullif(greatest(v_left - v_payment.amount_disputed, 0), 0), v_left);
    if v_amount > v_left - v_payment.amount_disputed and v_amount <= v_left and v_amount > 0 then
        perform core.refuse_v1('PA422', 'amount_disputed',
                               format('%s of the %s that were not refunded yet are disputed: %s is more than the rest.',
                                      v_payment.amount_disputed, v_left, v_amount));
    elsif v_amount > v_left or v_amount <= 0 then
        perform core.refuse_v1('PA422', 'amount_exceeds_captured',
                               format('%s is more than the %s that can still be refunded.', v_amount, v_left));
    end if;
    v_winner := core.refund_source_v1(v_payment, v_amount);
    perform core.refund_in_time_v1(v_winner, p -> 'refund_windows', v_at);
    v_payment.amount_refunding := v_payment.amount_refunding + v_amount;
    v_payment.updated_at := v_at;
    v_payment.sequence := v_payment.sequence + 1;
    perform core.save_payment_v1(v_payment);
    v_op := core.operation_new_v1(v_payment, p, 'refund', v_winner.account_id, v_winner.provider, v_amount,
                                  v_winner.provider_reference);
    v_view := core.payment_view_v1(v_payment);
    perform core.emit_v1(v_payment, v_view, v_op, v_payment.sequence, p ->> 'event_id', 'refund.created', v_at);
    return json_build_object('result', 'begun', 'payment', v_view, 'refund', core.refund_view_v1(v_op),
                             'dispatch', core.dispatch_v1(v_op, v_payment, v_at));
end
$$;
