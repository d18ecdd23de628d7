-- Write back what a step changed in an operation of a payment it holds the lock of.
create or replace function core.save_operation_v1(p core.operation) returns void
language plpgsql as $$
begin
    update core.operation set
        status = p.status, provider_reference = p.provider_reference, epoch = p.epoch, send_by = p.send_by,
        lease_until = p.lease_until, outcomes = p.outcomes, amount_approved = p.amount_approved,
        captured = p.captured, surplus = p.surplus, reversed_by = p.reversed_by,
        network_transaction_id = p.network_transaction_id, reason = p.reason, provider_code = p.provider_code,
        network_code = p.network_code, network_advice = p.network_advice, message = p.message, advice = p.advice, cause = p.cause, action = p.action,
        looks = p.looks, looked_at = p.looked_at, unknown_since = p.unknown_since,
        absent_since = p.absent_since, hinted = p.hinted, told = p.told,
        review_reason = p.review_reason, settled_at = p.settled_at, history = p.history
    where id = p.id;
end
$$;
