-- Post one operation to the ledger: debit, credit, chained by hash. Returns the new hash, which the caller keeps in
-- the payment. hash = sha256 of previous_hash followed by one text line "account|currency|amount" per ledger line.
create or replace function core.post_v1(
    p_payment core.payment, p_op core.operation, p_kind text, p_amount bigint, p_at timestamptz) returns text
language plpgsql as $$
declare
    v_psp text := 'psp:' || p_op.provider || ':receivable';
    v_other text := case when p_kind in ('surplus', 'surplus_reversal') then 'suspense:duplicate'
                         else 'merchant:payable' end;
    v_signed bigint := case when p_kind in ('capture', 'surplus') then p_amount else -p_amount end;
    v_id text := 'ltx_' || p_op.id;
    v_previous text := coalesce(p_payment.ledger_hash, repeat('0', 64));
    v_hash text;
begin
    v_hash := encode(sha256(convert_to(
        v_previous || v_psp || '|' || p_op.currency || '|' || v_signed || E'\n'
                   || v_other || '|' || p_op.currency || '|' || -v_signed || E'\n', 'UTF8')), 'hex');
    insert into core.ledger_transaction (id, merchant, payment_id, position, kind, operation_id, at, previous_hash, hash)
    values (v_id, p_payment.merchant, p_payment.id,
            case when p_payment.ledger_hash is null then 1
                 else (select count(*) + 1 from core.ledger_transaction t where t.payment_id = p_payment.id) end,
            p_kind, p_op.id, p_at, v_previous, v_hash);
    insert into core.ledger_line (transaction_id, line, merchant, account, currency, amount)
    values (v_id, 1, p_payment.merchant, v_psp, p_op.currency, v_signed),
           (v_id, 2, p_payment.merchant, v_other, p_op.currency, -v_signed);
    return v_hash;
end
$$;
