-- The effect of the outcome of a void or refund that takes a surplus approval back. Approved: the target is reversed,
-- suspense empties, and a payment that waited to be canceled is. Proved without effect: it may be begun again.
-- Declined: a person decides.
create or replace function core.apply_reversal_v1(s core.progress, p_at timestamptz) returns core.progress
language plpgsql as $$
declare
    v_target core.operation;
begin
    select * into strict v_target from core.operation o where o.id = (s.operation).reversal_of;
    case (s.operation).status
        when 'approved' then
            if v_target.status = 'reversed' then
                return s;
            end if;
            v_target.status := 'reversed';
            v_target.reversed_by := (s.operation).id;
            if v_target.captured then
                s.payment.ledger_hash := core.post_v1(
                    s.payment, s.operation, 'surplus_reversal', v_target.amount_approved, p_at);
            end if;
            if (s.payment).cancel_requested_at is not null and (s.payment).winner is null
               and (s.payment).status in ('processing', 'requires_action', 'needs_review') then
                s.payment.status := 'canceled';
                s.payment.review_reason := null;
                s.events := s.events || 'payment.canceled'::text;
            elsif v_target.superseded_by is null then
                s.events := s.events || 'payment.duplicate_reversed'::text;
            end if;
        when 'not_sent', 'absent' then
            v_target.reversed_by := null;
            s.wake := true;
        when 'declined' then
            if v_target.superseded_by is not null then
                -- It had run out already, or will: another authorization took its place, nobody captures it.
                v_target.surplus := false;
            else
                s := core.to_review_v1(s, 'reversal_declined');
            end if;
        when 'review' then
            s := core.to_review_v1(s, (s.operation).review_reason);
        else
            s.wake := true;
    end case;
    perform core.save_operation_v1(v_target);
    return s;
end
$$;
