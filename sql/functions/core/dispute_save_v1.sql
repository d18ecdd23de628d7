-- Write a dispute and what it changed in its payment, whose lock is held. (Not an upsert: its insert would be held to the
-- automaton's beginning.)
create or replace function core.dispute_save_v1(s core.dispute_progress) returns void
language plpgsql as $$
declare
    d core.dispute := s.dispute;
    v_payment core.payment := s.payment;
begin
    update core.dispute o set
        status = d.status, reason = d.reason, network_code = d.network_code, amount = d.amount, moves = d.moves,
        amount_withdrawn = d.amount_withdrawn, fee = d.fee, evidence_due_at = d.evidence_due_at,
        evidence_sent_at = d.evidence_sent_at, accept_requested_at = d.accept_requested_at, told_at = d.told_at,
        history = d.history, updated_at = d.updated_at, closed_at = d.closed_at
    where o.id = d.id;
    if not found then
        insert into core.dispute values (d.*);
    end if;
    update core.payment p set
        sequence = v_payment.sequence, ledger_hash = v_payment.ledger_hash, updated_at = v_payment.updated_at,
        amount_disputed = v_payment.amount_disputed
    where p.id = v_payment.id;
end
$$;
