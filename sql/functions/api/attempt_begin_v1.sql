-- Begin the fallback attempt at the next provider of the route.
-- p: {payment_id, operation_id, at, send_within_ms, lease_ms}
-- → {result: "begun", payment: view, dispatch: DISPATCH}
--   | {result: "refused", why: "ended" | "operation_in_progress" | "not_due" | "cancel_requested" | "too_late"
--                             | "no_fallback_left" | "retry_not_allowed", payment: view}
-- Refused because nothing may follow any more, the payment ends here (event id from the operation id).
create or replace function api.attempt_begin_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_at timestamptz := (p ->> 'at')::timestamptz;
    v_payment core.payment;
    v_op core.operation;
    v_account core.provider_account;
    v_token vault.token;
    v_proof core.payment_proof;
    v_why text;
    v_view json;
begin
    perform core.tenant_v1(p_merchant);
    v_payment := core.lock_payment_v1(p ->> 'payment_id');
    v_why := case
        when v_payment.winner is not null or v_payment.status <> 'processing' then 'ended'
        when exists (select from core.operation o where o.payment_id = v_payment.id and core.is_live_v1(o.status))
            then 'operation_in_progress'
        when v_payment.cancel_requested_at is not null then 'cancel_requested'
        when not v_payment.attempt_due then 'not_due'
        when v_at >= v_payment.cascade_until then 'too_late'
        when v_payment.fallbacks_left = 0 or v_payment.route_next >= jsonb_array_length(v_payment.route)
            then 'no_fallback_left'
    end;
    if v_why is null then
        -- The schemes count attempts over all PSPs: a fallback is one more.
        select * into strict v_token from vault.token t where t.id = v_payment.token_id;
        if v_payment.carries then
            select * into strict v_proof from core.payment_proof f where f.payment_id = v_payment.id;
        end if;
        if core.card_attempt_begin_v1(p ->> 'operation_id', v_token, v_payment.amount, v_payment.currency, v_at,
                                      case when v_proof.network_transaction_id is null then 'cardholder' else 'merchant' end,
                                      v_proof.three_ds is not null)
           is not null then
            v_why := 'retry_not_allowed';
        end if;
    end if;
    if v_why in ('too_late', 'no_fallback_left', 'retry_not_allowed') then
        v_payment := core.end_attempts_v1(v_payment, null);
        v_payment.updated_at := v_at;
        v_payment.sequence := v_payment.sequence + 1;
        perform core.save_payment_v1(v_payment);
        v_view := core.payment_view_v1(v_payment);
        perform core.emit_v1(v_payment, v_view, null, v_payment.sequence, 'evt_' || right(p ->> 'operation_id', 26),
                             'payment.' || v_payment.status, v_at);
        perform core.idempotency_answer_v1(v_payment.id, null, true, 201, v_view);
        delete from vault.cvv c where c.token_id = v_payment.token_id;
        delete from vault.authentication a where a.payment_id = v_payment.id;
    end if;
    if v_why is not null then
        return json_build_object('result', 'refused', 'why', v_why, 'payment', core.payment_view_v1(v_payment));
    end if;
    select * into strict v_account from core.provider_account a
    where a.id = v_payment.route ->> v_payment.route_next;
    v_payment.route_next := v_payment.route_next + 1;
    v_payment.fallbacks_left := v_payment.fallbacks_left - 1;
    v_payment.attempt_due := false;
    v_payment.provider := v_account.provider;
    v_payment.updated_at := v_at;
    perform core.save_payment_v1(v_payment);
    v_op := core.operation_new_v1(
        v_payment, p, 'authorize', v_account.id, v_account.provider, v_payment.amount,
        p_had_cvv => v_proof.network_transaction_id is null and exists (select from vault.cvv c where c.token_id = v_payment.token_id and c.expires_at > v_at));
    return json_build_object('result', 'begun', 'payment', core.payment_view_v1(v_payment),
                             'dispatch', core.dispatch_v1(v_op, v_payment, v_at));
end
$$;
