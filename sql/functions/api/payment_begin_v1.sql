-- Begin a payment: one call, one commit. From here on there is a record of the intent to charge.
-- p: {payment_id, operation_id, event_id, idempotency?: {scope, key, fingerprint}, amount, currency, capture_method,
--     reference?, description?, metadata, token_id? | card?: {token_id, ciphertext, key_id, fingerprint, bin, last4,
--     brand, exp_month, exp_year, holder_name?, cvv_ciphertext?, cvv_expires_at?}, at, send_within_ms, lease_ms,
--     cascade_until, network_transaction_id?, three_ds?: {version, eci, ds_transaction_id, xid?, cavv_ciphertext,
--     cavv_expires_at}}
-- → {result: "begun", payment: view, dispatch: DISPATCH}
--   | {result: "replay", state: "frozen", status, body, payment_id}
--   | {result: "replay", state: "in_flight" | "open", payment: view}
-- Raises PA404 token_not_found, PA409 idempotency_key_reused, PA422 no_route, retry_not_allowed.
create or replace function api.payment_begin_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_at timestamptz := (p ->> 'at')::timestamptz;
    v_replay json;
    v_route record;
    v_token vault.token;
    v_payment core.payment;
    v_op core.operation;
    v_cvv text;
    v_agreed boolean := p ->> 'network_transaction_id' is not null;
    v_proved boolean := coalesce(jsonb_typeof(p -> 'three_ds') = 'object', false);
    v_refused json;
    v_view json;
begin
    perform core.tenant_v1(p_merchant);
    v_replay := core.idempotency_take_v1(p_merchant, p -> 'idempotency', p ->> 'payment_id', null, v_at);
    if v_replay is not null then
        return v_replay;
    end if;
    if jsonb_typeof(p -> 'card') = 'object' then
        v_token := core.token_put_v1(p_merchant, p -> 'card', v_at);
        if coalesce((p -> 'card' ->> 'cvv_expires_at')::timestamptz > v_at, true) then
            v_cvv := p -> 'card' ->> 'cvv_ciphertext';
        end if;
    else
        select * into v_token from vault.token t where t.id = p ->> 'token_id';
        if not found then
            perform core.refuse_v1('PA404', 'token_not_found', 'No such token.');
        end if;
        if not v_agreed then  -- what the merchant initiates never bears a CVV
            select c.ciphertext into v_cvv from vault.cvv c where c.token_id = v_token.id and c.expires_at > v_at;
        end if;
    end if;
    v_route := core.route_v2(p_merchant, p, v_token, v_at);
    v_refused := core.card_attempt_begin_v1(
        p ->> 'operation_id', v_token, (p ->> 'amount')::bigint, p ->> 'currency', v_at,
        case when v_agreed then 'merchant' else 'cardholder' end, v_proved);
    if v_refused is not null then
        perform core.refuse_v1('PA422', 'retry_not_allowed', core.retry_sentence_v1(v_refused));
    end if;
    insert into core.payment (
        id, merchant, status, amount, currency, capture_method, token_id, card, reference, description, metadata,
        route, route_next, route_why, fallbacks_left, cascade_until, provider, sequence, carries, mcc, created_at, updated_at)
    values (
        p ->> 'payment_id', p_merchant, 'processing', (p ->> 'amount')::bigint, p ->> 'currency',
        p ->> 'capture_method', v_token.id,
        json_build_object('brand', v_token.brand, 'bin', v_token.bin, 'last4', v_token.last4,
                          'exp_month', v_token.exp_month, 'exp_year', v_token.exp_year),
        p ->> 'reference', p ->> 'description',
        case when jsonb_typeof(p -> 'metadata') = 'object' then p -> 'metadata' else '{}' end,
        v_route.route, 1, v_route.why, v_route.fallbacks, (p ->> 'cascade_until')::timestamptz, v_route.provider, 1, v_agreed or v_proved,
        (select m.mcc from core.merchant m where m.id = p_merchant), v_at, v_at)
    returning * into v_payment;
    if v_payment.carries then
        perform core.payment_proof_put_v1(p_merchant, p);
    end if;
    v_op := core.operation_new_v1(
        v_payment, p, 'authorize', v_route.route ->> 0, v_route.provider, v_payment.amount,
        p_had_cvv => v_cvv is not null);
    v_view := core.payment_view_v1(v_payment);
    perform core.emit_v1(v_payment, v_view, null, 1, p ->> 'event_id', 'payment.created', v_at);
    return json_build_object('result', 'begun', 'payment', v_view,
                             'dispatch', core.dispatch_with_card_v1(v_op, v_payment, v_token, v_cvv));
end
$$;
