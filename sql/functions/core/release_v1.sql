-- The authorization ran out: what was not captured is released. Nothing captured: the payment is canceled; else it ends
-- captured with what was. An authorization that does not hold for the payment any more is only noted.
create or replace function core.release_v1(s core.progress) returns core.progress
language plpgsql as $$
begin
    if (s.operation).status = 'approved' and (s.operation).surplus then
        s.operation.status := 'reversed';  -- what was to be taken back is gone by itself
        s.operation.settled_at := coalesce((s.operation).settled_at, (s.payment).updated_at);
    elsif (s.operation).id is distinct from (s.payment).winner or (s.operation).status <> 'approved' then
        s.result := 'already';
    elsif (s.payment).status = 'authorized' then
        s.payment.status := 'canceled';
        s.payment.review_reason := null;
        update core.payment x set cancellation_reason = 'authorization_expired' where x.id = (s.payment).id;
        s.payment.cancellation_reason := 'authorization_expired';
        s.events := s.events || 'payment.canceled'::text;
        delete from core.hold h where h.payment_id = (s.payment).id;
    elsif (s.payment).status = 'partially_captured' then
        s.payment.status := 'captured';
        s.events := s.events || 'payment.captured'::text;
        delete from core.hold h where h.payment_id = (s.payment).id;
    else
        s.result := 'already';
    end if;
    return s;
end
$$;
