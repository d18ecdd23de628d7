-- The effect of a capture's outcome: the reservation becomes captured money, or is given back, or waits.
-- A capture that the PSP had only accepted, or that nobody knew of, and that did not happen: the merchant, who was
-- answered with less than that, is told.
create or replace function core.apply_capture_v1(s core.progress, p_was text, p_at timestamptz) returns core.progress
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
        v_payment.amount_capturing := v_payment.amount_capturing - v_op.amount;
        v_payment.review_reason := null;
    end if;
    if v_op.status = 'approved' then
        if v_payment.amount_captured + v_payment.amount_capturing + v_op.amount > v_payment.amount_authorized
           or v_payment.status not in ('authorized', 'partially_captured', 'captured') then
            -- Late evidence for a capture that was given up, and there is no room for it: a person decides.
            v_op.review_reason := 'late_capture';
            s.operation := v_op;
            return core.to_review_v1(s, v_op.review_reason);
        end if;
        v_payment.amount_captured := v_payment.amount_captured + v_op.amount;
        v_payment.status := case when v_op.final or v_payment.amount_captured = v_payment.amount_authorized
                                      or v_payment.status = 'captured'
                                 then 'captured' else 'partially_captured' end;
        v_payment.ledger_hash := core.post_v1(v_payment, v_op, 'capture', v_op.amount, p_at);
        s.events := s.events || ('payment.' || v_payment.status);
    elsif p_was <> 'dispatched' and v_op.status = 'declined' then
        s.events := s.events || 'payment.capture_failed'::text;
    end if;
    s.payment := v_payment;
    return s;
end
$$;
