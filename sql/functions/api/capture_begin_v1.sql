-- Begin a capture: reserves the amount under the payment's lock, so that no number of parallel captures passes what
-- was authorized.
-- p: {payment_id, operation_id, event_id, idempotency?, amount?, final? = true, at, send_within_ms, lease_ms,
--     offers?: {provider: [capability, …]}}; without offers every provider is taken to offer everything
-- → {result: "begun", payment: view, dispatch: DISPATCH} | replay as payment_begin_v1
-- Raises PA404 payment_not_found, PA409, PA410 payment_not_capturable | operation_in_progress | authorization_expired,
-- PA422 amount_exceeds_authorized | not_offered_by_provider.
create or replace function api.capture_begin_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_at timestamptz := (p ->> 'at')::timestamptz;
    v_final boolean := coalesce((p ->> 'final')::boolean, true);
    v_replay json;
    v_payment core.payment;
    v_winner core.operation;
    v_op core.operation;
    v_left bigint;
    v_amount bigint;
begin
    perform core.tenant_v1(p_merchant);
    v_replay := core.idempotency_take_v1(
        p_merchant, p -> 'idempotency', p ->> 'payment_id', p ->> 'operation_id', v_at);
    if v_replay is not null then
        return v_replay;
    end if;
    v_payment := core.lock_payment_v1(p ->> 'payment_id');
    if v_payment.status not in ('authorized', 'partially_captured') then
        perform core.refuse_v1('PA410', 'payment_not_capturable',
                               format('A payment that is %s cannot be captured.', v_payment.status));
    end if;
    -- A void excludes captures, a final capture excludes every other: the rest would be released under them.
    perform 1 from core.operation o
    where o.payment_id = v_payment.id and core.is_live_v1(o.status) and o.reversal_of is null
      and (o.kind in ('void', 'authorize') or o.kind = 'capture' and (o.final or v_final));
    if found then
        perform core.refuse_v1('PA410', 'operation_in_progress',
                               'Another capture, a cancel or a re-authorization is under way.');
    end if;
    v_left := v_payment.amount_authorized - v_payment.amount_captured - v_payment.amount_capturing;
    v_amount := coalesce((p ->> 'amount')::bigint, v_left);
    if v_amount > v_left or v_amount <= 0 then
        perform core.refuse_v1('PA422', 'amount_exceeds_authorized',
                               format('%s is more than the %s left of the authorization.', v_amount, v_left));
    end if;
    select * into strict v_winner from core.operation o where o.id = v_payment.winner;
    perform core.hold_check_v1(v_payment, v_at);
    perform core.capture_offered_v1(v_payment, v_winner, p -> 'offers', v_amount, v_final);
    v_payment.amount_capturing := v_payment.amount_capturing + v_amount;
    v_payment.updated_at := v_at;
    perform core.save_payment_v1(v_payment);
    v_op := core.operation_new_v1(v_payment, p, 'capture', v_winner.account_id, v_winner.provider, v_amount,
                                  v_winner.provider_reference, v_final);
    return json_build_object('result', 'begun', 'payment', core.payment_view_v1(v_payment),
                             'dispatch', core.dispatch_v1(v_op, v_payment, v_at));
end
$$;
