-- Post that what an operation had moved came back: `capture_failed` or `refund_failed`. Returns the new hash, which the
-- caller keeps in the payment (ledger_write_v1).
create or replace function core.post_back_v1(
    p_payment core.payment, p_op core.operation, p_kind text, p_amount bigint, p_at timestamptz) returns text
language plpgsql as $$
begin
    return core.ledger_write_v1(
        p_payment, 'ltx_back_' || p_op.id, p_kind, p_op.id, p_op.provider, 'merchant:payable', p_op.currency,
        case p_kind when 'refund_failed' then p_amount else -p_amount end, p_at);
end
$$;
