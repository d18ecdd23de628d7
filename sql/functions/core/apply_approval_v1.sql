-- An attempt was approved. It wins, unless another won, the payment ended, or a cancel waits: then it is surplus and
-- is taken back. The ledger holds a captured surplus in suspense until then.
create or replace function core.apply_approval_v1(s core.progress, p_at timestamptz) returns core.progress
language plpgsql as $$
declare
    v_payment core.payment := s.payment;
    v_op core.operation := s.operation;
    v_unwanted boolean := v_payment.winner is not null or v_payment.status in ('declined', 'failed', 'canceled');
begin
    if v_unwanted or v_payment.cancel_requested_at is not null or v_op.review_reason is not null then
        v_op.surplus := true;
        if v_op.captured then
            v_payment.ledger_hash := core.post_v1(v_payment, v_op, 'surplus', v_op.amount_approved, p_at);
        end if;
        if v_unwanted then
            s.events := s.events || 'payment.duplicate_approval'::text;
        end if;
        s.wake := true;
        s.result := 'surplus';
    else
        v_payment.winner := v_op.id;
        v_payment.provider := v_op.provider;
        v_payment.attempt_due := false;
        v_payment.review_reason := null;
        v_payment.decline := null;
        v_payment.amount_authorized := v_op.amount_approved;
        if v_op.captured then
            v_payment.amount_captured := v_op.amount_approved;
            v_payment.status := 'captured';
            v_payment.ledger_hash := core.post_v1(v_payment, v_op, 'capture', v_op.amount_approved, p_at);
        else
            v_payment.status := 'authorized';
        end if;
        s.events := s.events || ('payment.' || v_payment.status);
    end if;
    s.payment := v_payment;
    s.operation := v_op;
    return s;
end
$$;
