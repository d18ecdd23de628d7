-- The capture that an authorization asked for at once failed: the money is only held, the payment authorized.
create or replace function core.uncapture_v1(s core.progress, p_at timestamptz) returns core.progress
language plpgsql as $$
begin
    if not (s.operation).captured or (s.operation).status <> 'approved'
       or (s.operation).id is distinct from (s.payment).winner then
        s.result := 'already';
        return s;
    elsif (s.payment).amount_refunded + (s.payment).amount_refunding > 0 then
        return core.to_review_v1(s, 'provider_contradicts');
    end if;
    s.operation.captured := false;
    s.payment.ledger_hash := core.post_back_v1(
        s.payment, s.operation, 'capture_failed', (s.operation).amount_approved, p_at);
    s.payment.amount_captured := (s.payment).amount_captured - (s.operation).amount_approved;
    s.payment.status := 'authorized';
    s.events := s.events || 'payment.capture_failed'::text;
    return s;
end
$$;
