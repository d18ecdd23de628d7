-- Write back what a step changed in a payment it holds the lock of.
create or replace function core.save_payment_v1(p core.payment) returns void
language plpgsql as $$
begin
    update core.payment set
        status = p.status, route_next = p.route_next, fallbacks_left = p.fallbacks_left, attempt_due = p.attempt_due,
        provider = p.provider, winner = p.winner, amount_authorized = p.amount_authorized,
        amount_capturing = p.amount_capturing, amount_captured = p.amount_captured,
        amount_refunding = p.amount_refunding, amount_refunded = p.amount_refunded,
        cancel_requested_at = p.cancel_requested_at, decline = p.decline, review_reason = p.review_reason,
        sequence = p.sequence, ledger_hash = p.ledger_hash, updated_at = p.updated_at
    where id = p.id;
end
$$;
