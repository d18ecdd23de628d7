-- Somebody has to look: the payment goes to needs_review where its automaton allows, keeps its status where money
-- already stands, and is alerted either way.
create or replace function core.to_review_v1(s core.progress, p_reason text) returns core.progress
language plpgsql as $$
begin
    if (s.payment).status in ('processing', 'requires_action') then
        s.payment.status := 'needs_review';
    end if;
    s.payment.review_reason := p_reason;
    s.events := s.events || 'payment.needs_review'::text;
    return s;
end
$$;
