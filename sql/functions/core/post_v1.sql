-- Post one operation to the ledger: a capture or refund against what the merchant is owed, a surplus against the suspense
-- account. Returns the new hash, which the caller keeps in the payment (ledger_write_v1).
create or replace function core.post_v1(
    p_payment core.payment, p_op core.operation, p_kind text, p_amount bigint, p_at timestamptz) returns text
language plpgsql as $$
begin
    return core.ledger_write_v1(
        p_payment, 'ltx_' || p_op.id, p_kind, p_op.id, p_op.provider,
        case when p_kind in ('surplus', 'surplus_reversal') then 'suspense:duplicate' else 'merchant:payable' end,
        p_op.currency, case when p_kind in ('capture', 'surplus') then p_amount else -p_amount end, p_at);
end
$$;
