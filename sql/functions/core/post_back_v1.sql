-- Post that what an operation had moved came back: `capture_failed` or `refund_failed`. Returns the new hash, which the
-- caller keeps in the payment; lines and chain as core.post_v1.
create or replace function core.post_back_v1(
    p_payment core.payment, p_op core.operation, p_kind text, p_amount bigint, p_at timestamptz) returns text
language plpgsql as $$
declare
    v_psp text := 'psp:' || p_op.provider || ':receivable';
    v_signed bigint := case p_kind when 'refund_failed' then p_amount else -p_amount end;
    v_id text := 'ltx_back_' || p_op.id;
    v_hash text;
begin
    v_hash := encode(sha256(convert_to(
        p_payment.ledger_hash || v_psp || '|' || p_op.currency || '|' || v_signed || E'\n'
                              || 'merchant:payable|' || p_op.currency || '|' || -v_signed || E'\n', 'UTF8')), 'hex');
    insert into core.ledger_transaction (id, merchant, payment_id, position, kind, operation_id, at, previous_hash, hash)
    values (v_id, p_payment.merchant, p_payment.id,
            (select count(*) + 1 from core.ledger_transaction t where t.payment_id = p_payment.id),
            p_kind, p_op.id, p_at, p_payment.ledger_hash, v_hash);
    insert into core.ledger_line (transaction_id, line, merchant, account, currency, amount)
    values (v_id, 1, p_payment.merchant, v_psp, p_op.currency, v_signed),
           (v_id, 2, p_payment.merchant, 'merchant:payable', p_op.currency, -v_signed);
    return v_hash;
end
$$;
