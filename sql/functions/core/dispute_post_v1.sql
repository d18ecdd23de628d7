-- Post one movement of a dispute to its payment's ledger and returns the new hash, which the caller keeps in the payment.
-- Taken by the bank, or a fee: the PSP owes us less (credit of its receivable), and the merchant bears it, apart from what it
-- is owed for sales: `merchant:disputed`, `merchant:fees`. Given back: the reverse. Hashed as core.post_v1 does.
create or replace function core.dispute_post_v1(
    p_payment core.payment, p_dispute core.dispute, p_kind text, p_amount bigint, p_at timestamptz) returns text
language plpgsql as $$
declare
    v_psp text := 'psp:' || p_dispute.provider || ':receivable';
    v_other text := case when p_kind like 'dispute_fee%' then 'merchant:fees' else 'merchant:disputed' end;
    v_signed bigint := case when p_kind like '%_reversed' then p_amount else -p_amount end;
    v_previous text := coalesce(p_payment.ledger_hash, repeat('0', 64));
    v_step int;
    v_id text;
    v_hash text;
begin
    select count(*) + 1 into v_step from core.ledger_transaction t where t.dispute_id = p_dispute.id;
    v_id := 'ltx_' || p_dispute.id || '_' || v_step;
    v_hash := encode(sha256(convert_to(
        v_previous || v_psp || '|' || p_dispute.currency || '|' || v_signed || E'\n'
                   || v_other || '|' || p_dispute.currency || '|' || -v_signed || E'\n', 'UTF8')), 'hex');
    insert into core.ledger_transaction (id, merchant, payment_id, position, kind, operation_id, dispute_id, step, at,
                                         previous_hash, hash)
    values (v_id, p_payment.merchant, p_payment.id,
            (select count(*) + 1 from core.ledger_transaction t where t.payment_id = p_payment.id),
            p_kind, p_dispute.operation_id, p_dispute.id, v_step, p_at, v_previous, v_hash);
    insert into core.ledger_line (transaction_id, line, merchant, account, currency, amount)
    values (v_id, 1, p_payment.merchant, v_psp, p_dispute.currency, v_signed),
           (v_id, 2, p_payment.merchant, v_other, p_dispute.currency, -v_signed);
    return v_hash;
end
$$;
