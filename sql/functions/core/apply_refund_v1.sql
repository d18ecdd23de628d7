-- The effect of a refund's outcome: the reservation becomes refunded money, or is given back, or waits.
create or replace function core.apply_refund_v1(s core.progress, p_was text, p_at timestamptz) returns core.progress
language plpgsql as $$
declare
    v_payment core.payment := s.payment;
    v_op core.operation := s.operation;
begin
    if v_op.status = 'review' then
        return core.to_review_v1(s, v_op.review_reason);
    elsif core.is_live_v1(v_op.status) then
        s.wake := true;
        return s;
    end if;
    if core.is_live_v1(p_was) then
        v_payment.amount_refunding := v_payment.amount_refunding - v_op.amount;
        v_payment.review_reason := null;
    end if;
    if v_op.status = 'approved' then
        if v_payment.amount_refunded + v_payment.amount_refunding + v_op.amount > v_payment.amount_captured then
            v_op.review_reason := 'late_refund';
            s.operation := v_op;
            return core.to_review_v1(s, v_op.review_reason);
        end if;
        v_payment.amount_refunded := v_payment.amount_refunded + v_op.amount;
        v_payment.ledger_hash := core.post_v1(v_payment, v_op, 'refund', v_op.amount, p_at);
        s.events := s.events || 'refund.succeeded'::text;
    else
        s.events := s.events || 'refund.failed'::text;
    end if;
    s.payment := v_payment;
    return s;
end
$$;
