-- Begin a re-authorization: the same card is asked again at the same provider, initiated by the merchant, without a CVV,
-- before what is held runs out or just after. Approved, it takes the place of the one that stands (which is voided
-- where nothing of it was captured, else its rest runs out); declined, that one stands as before.
-- p: {payment_id, operation_id (att_), event_id, idempotency?, amount? = what is left, at, send_within_ms, lease_ms,
--     offers?: {provider: [capability, …]}}
-- → {result: "begun", payment: view, dispatch: DISPATCH} | replay as payment_begin_v1
-- Raises PA404 payment_not_found, PA409, PA410 payment_not_reauthorizable | operation_in_progress,
-- PA422 amount_exceeds_payment | not_offered_by_provider | retry_not_allowed.
create or replace function api.reauthorize_begin_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_at timestamptz := (p ->> 'at')::timestamptz;
    v_replay json;
    v_payment core.payment;
    v_winner core.operation;
    v_token vault.token;
    v_op core.operation;
    v_amount bigint;
    v_refused json;
begin
    perform core.tenant_v1(p_merchant);
    v_replay := core.idempotency_take_v1(
        p_merchant, p -> 'idempotency', p ->> 'payment_id', p ->> 'operation_id', v_at);
    if v_replay is not null then
        return v_replay;
    end if;
    v_payment := core.lock_payment_v1(p ->> 'payment_id');
    if v_payment.status not in ('authorized', 'partially_captured') then
        perform core.refuse_v1('PA410', 'payment_not_reauthorizable',
                               format('A payment that is %s cannot be re-authorized.', v_payment.status));
    end if;
    if exists (select from core.operation o where o.payment_id = v_payment.id and core.is_live_v1(o.status)) then
        perform core.refuse_v1('PA410', 'operation_in_progress', 'Another operation of this payment is under way.');
    end if;
    select * into strict v_winner from core.operation o where o.id = v_payment.winner;
    if p -> 'offers' -> v_winner.provider is not null
       and not coalesce(p -> 'offers' -> v_winner.provider ? 'reauthorize', false) then
        perform core.refuse_v1('PA422', 'not_offered_by_provider',
                               format('%s takes no payment that the merchant initiates.', v_winner.provider));
    end if;
    v_amount := coalesce((p ->> 'amount')::bigint, v_payment.amount_authorized - v_payment.amount_captured);
    if v_amount <= 0 or v_amount > v_payment.amount - v_payment.amount_captured then
        perform core.refuse_v1('PA422', 'amount_exceeds_payment', format(
            '%s is more than the %s of this payment that were not captured.',
            v_amount, v_payment.amount - v_payment.amount_captured));
    end if;
    select * into strict v_token from vault.token t where t.id = v_payment.token_id;
    -- The schemes count it like every attempt; what a merchant initiates has rules of its own.
    v_refused := core.card_attempt_begin_v1(
        p ->> 'operation_id', v_token, v_amount, v_payment.currency, v_at, 'merchant');
    if v_refused is not null then
        perform core.refuse_v1('PA422', 'retry_not_allowed', core.retry_sentence_v1(v_refused));
    end if;
    v_op := core.operation_new_v1(v_payment, p, 'authorize', v_winner.account_id, v_winner.provider, v_amount);
    update core.operation o set capture = false, supersedes = v_winner.id where o.id = v_op.id returning * into v_op;
    return json_build_object('result', 'begun', 'payment', core.payment_view_v1(v_payment),
                             'dispatch', core.dispatch_v1(v_op, v_payment, v_at));
end
$$;
