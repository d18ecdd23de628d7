-- Take an idempotency key, or say what came of it before. Null: it is ours now (or none was given).
-- Otherwise {result: "replay", state: "frozen", status, body} or {result: "replay", state: "in_flight"|"open", payment}.
-- The insert waits only for a begin that holds the same key this very moment, never for a PSP.
create or replace function core.idempotency_take_v1(
    p_merchant text, p jsonb, p_payment_id text, p_operation_id text, p_at timestamptz) returns json
language plpgsql as $$
declare
    v_row core.idempotency;
    v_payment core.payment;
    v_operation core.operation;
begin
    if p is null or p = 'null' then
        return null;
    end if;
    insert into core.idempotency (merchant, scope, key, fingerprint, state, payment_id, operation_id, created_at)
    values (p_merchant, p ->> 'scope', p ->> 'key', p ->> 'fingerprint', 'in_flight', p_payment_id, p_operation_id, p_at)
    on conflict do nothing;
    if found then
        return null;
    end if;
    select * into strict v_row from core.idempotency i
    where i.merchant = p_merchant and i.scope = p ->> 'scope' and i.key = p ->> 'key';
    if v_row.fingerprint <> p ->> 'fingerprint' then
        perform core.refuse_v1('PA409', 'idempotency_key_reused',
                               'This idempotency key was used before with another request.');
    end if;
    if v_row.state = 'frozen' then
        return json_build_object('result', 'replay', 'state', 'frozen', 'status', v_row.status, 'body', v_row.body,
                                 'payment_id', v_row.payment_id);
    end if;
    select * into strict v_payment from core.payment where id = v_row.payment_id;
    select * into v_operation from core.operation where id = v_row.operation_id;
    return json_build_object(
        'result', 'replay', 'state', v_row.state, 'payment', core.payment_view_v1(v_payment),
        'refund', case when v_operation.kind = 'refund' then core.refund_view_v1(v_operation) end);
end
$$;
