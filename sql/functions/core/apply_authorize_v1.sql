-- The effect of an attempt's outcome on its payment. p_cascade: the domain's verdict that a fallback may follow; here
-- the cascade table is asked as well, and it is decided whether a provider, a hop and time are left. Runs before the
-- operation is saved.
create or replace function core.apply_authorize_v1(
    s core.progress, p_was text, p_cascade boolean, p_at timestamptz) returns core.progress
language plpgsql as $$
begin
    if (s.operation).status = 'approved' then
        return core.apply_approval_v1(s, p_at);
    end if;
    -- From here on no money moved, or nobody knows.
    if (s.payment).winner is not null or (s.payment).status in ('declined', 'failed', 'canceled') then
        if (s.operation).status = 'review' then
            return core.to_review_v1(s, (s.operation).review_reason);
        end if;
        s.wake := core.is_live_v1((s.operation).status);
        return s;
    end if;
    case (s.operation).status
        when 'declined', 'not_sent', 'absent' then
            if p_cascade and ((s.operation).status <> 'declined'
                              or core.may_fall_back_v1(s.operation, (s.payment).card ->> 'brand', p_at))
               and (s.payment).cancel_requested_at is null and (s.payment).fallbacks_left > 0
               and (s.payment).route_next < jsonb_array_length((s.payment).route) and p_at < (s.payment).cascade_until then
                if (s.payment).status <> 'processing' then
                    s.payment.status := 'processing';
                    s.payment.review_reason := null;
                end if;
                s.payment.attempt_due := true;
                s.wake := true;
            else
                s.payment := core.end_attempts_v1(s.payment, s.operation);
                s.events := s.events || ('payment.' || (s.payment).status);
            end if;
        when 'requires_action' then
            if (s.payment).status <> 'requires_action' then
                s.payment.status := 'requires_action';
                s.payment.review_reason := null;
                s.events := s.events || 'payment.requires_action'::text;
            end if;
            s.wake := true;
        when 'review' then
            s := core.to_review_v1(s, (s.operation).review_reason);
        else  -- unknown, pending: the payment waits as it is
            if p_was = 'review' and (s.payment).status = 'needs_review' then
                s.payment.status := 'processing';
                s.payment.review_reason := null;
            end if;
            s.wake := true;
    end case;
    return s;
end
$$;
