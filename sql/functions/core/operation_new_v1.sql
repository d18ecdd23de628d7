-- Insert an operation as dispatched: from this commit on there is a record of the intent to call the PSP.
-- p gives operation_id, at, send_within_ms, lease_ms; leases run on the database's real clock.
create or replace function core.operation_new_v1(
    p_payment core.payment, p jsonb, p_kind text, p_account_id text, p_provider text, p_amount bigint,
    p_parent text default null, p_final boolean default true, p_reversal_of text default null,
    p_had_cvv boolean default false) returns core.operation
language plpgsql as $$
declare
    v_op core.operation;
    v_now timestamptz := clock_timestamp();
begin
    insert into core.operation (
        id, merchant, payment_id, kind, account_id, provider, amount, currency, capture, final, reversal_of,
        parent_reference, send_by, lease_until, had_cvv, merchant_reason, metadata, created_at)
    values (
        p ->> 'operation_id', p_payment.merchant, p_payment.id, p_kind, p_account_id, p_provider, p_amount,
        p_payment.currency, p_kind = 'authorize' and p_payment.capture_method = 'automatic', p_final, p_reversal_of,
        p_parent, v_now + (p ->> 'send_within_ms')::float8 * interval '1 millisecond',
        v_now + (p ->> 'lease_ms')::float8 * interval '1 millisecond', p_had_cvv, p ->> 'reason',
        case when p_kind = 'refund' and jsonb_typeof(p -> 'metadata') = 'object' then p -> 'metadata' else '{}' end,
        (p ->> 'at')::timestamptz)
    returning * into v_op;
    return v_op;
end
$$;
