-- A capture or refund does not stand. o: OUTCOME of kind reversed. Told before its confirmation was applied, nothing was
-- booked and only the reservation is given back; else its posting is taken back.
create or replace function core.fail_later_v1(s core.progress, o jsonb, p_at timestamptz) returns core.progress
language plpgsql as $$
declare
    v_was text := (s.operation).status;
    v_capture boolean := (s.operation).kind = 'capture';
    v_amount bigint := (s.operation).amount;
begin
    if v_was = 'approved' and v_capture
       and (s.payment).amount_captured - v_amount < (s.payment).amount_refunded + (s.payment).amount_refunding then
        return core.to_review_v1(s, 'provider_contradicts');
    elsif v_was = 'approved' and (s.operation).reversal_of is not null then
        return core.to_review_v1(s, 'provider_contradicts');  -- a surplus that came back: nobody's to keep
    end if;
    s.operation := core.learn_v1(s.operation, o, p_at);
    if v_was <> 'approved' then
        if v_capture then
            s.payment.amount_capturing := (s.payment).amount_capturing - v_amount;
        else
            s.payment.amount_refunding := (s.payment).amount_refunding - v_amount;
        end if;
        s.payment.review_reason := null;
    elsif v_capture then
        s.payment.amount_captured := (s.payment).amount_captured - v_amount;
        s.payment.ledger_hash := core.post_back_v1(s.payment, s.operation, 'capture_failed', v_amount, p_at);
        s.payment.status := case
            when (s.payment).amount_captured = 0 then 'authorized'
            -- The rest was released by a final capture that stands: there is nothing to capture again.
            when (s.payment).status = 'captured' and not (s.operation).final
                 and exists (select from core.operation x where x.payment_id = (s.payment).id and x.kind = 'capture'
                             and x.final and x.status = 'approved') then 'captured'
            else 'partially_captured' end;
    else
        s.payment.amount_refunded := (s.payment).amount_refunded - v_amount;
        s.payment.ledger_hash := core.post_back_v1(s.payment, s.operation, 'refund_failed', v_amount, p_at);
    end if;
    s.events := s.events || (case when v_capture then 'payment.capture_failed' else 'refund.failed' end)::text;
    return s;
end
$$;
