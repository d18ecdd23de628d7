-- Somebody has to look: the payment goes to needs_review where its automaton allows, keeps its status where money
-- already stands, and is alerted either way. The review is in the queue until an operator resolves it or evidence comes.
-- The caller has set the payment's updated_at to now.
create or replace function core.to_review_v1(s core.progress, p_reason text) returns core.progress
language plpgsql as $$
begin
    if (s.payment).status in ('processing', 'requires_action') then
        s.payment.status := 'needs_review';
    end if;
    s.payment.review_reason := p_reason;
    s.events := s.events || 'payment.needs_review'::text;
    insert into core.review (id, merchant, payment_id, operation_id, reason, opened_at)
    values (core.id_v1('rev', (s.payment).updated_at), (s.payment).merchant, (s.payment).id, (s.operation).id, p_reason,
            (s.payment).updated_at)
    on conflict (operation_id) where resolved_at is null do update set reason = excluded.reason;
    return s;
end
$$;
