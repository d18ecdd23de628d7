-- Post one movement of a dispute to its payment's ledger. Taken by the bank, or a fee: the PSP owes us less (credit of its
-- receivable), and the merchant bears it, apart from what it is owed for sales: `merchant:disputed`, `merchant:fees`.
-- Given back: the reverse. Returns the new hash, which the caller keeps in the payment (ledger_write_v1).
create or replace function core.dispute_post_v1(
    p_payment core.payment, p_dispute core.dispute, p_kind text, p_amount bigint, p_at timestamptz) returns text
language plpgsql as $$
declare
    v_step int;
begin
    select count(*) + 1 into v_step from core.ledger_transaction t where t.dispute_id = p_dispute.id;
    return core.ledger_write_v1(
        p_payment, 'ltx_' || p_dispute.id || '_' || v_step, p_kind, p_dispute.operation_id, p_dispute.provider,
        case when p_kind like 'dispute_fee%' then 'merchant:fees' else 'merchant:disputed' end, p_dispute.currency,
        case when p_kind like '%_reversed' then p_amount else -p_amount end, p_at, p_dispute.id, v_step);
end
$$;
