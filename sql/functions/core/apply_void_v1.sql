-- The effect of a cancel's outcome on an authorized payment: canceled, or as it was, or waiting.
create or replace function core.apply_void_v1(s core.progress) returns core.progress
language plpgsql as $$
begin
    case (s.operation).status
        when 'approved' then
            if (s.payment).status = 'authorized' then
                s.payment.status := 'canceled';
                s.payment.review_reason := null;
                s.events := s.events || 'payment.canceled'::text;
            elsif (s.payment).status <> 'canceled' then
                s := core.to_review_v1(s, 'void_after_capture');
            end if;
        when 'declined', 'not_sent', 'absent' then
            s.payment.cancel_requested_at := null;
            s.payment.review_reason := null;
        when 'review' then
            s := core.to_review_v1(s, (s.operation).review_reason);
        else
            s.wake := true;
    end case;
    return s;
end
$$;
