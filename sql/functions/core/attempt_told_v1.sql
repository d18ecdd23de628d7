-- An attempt that came to rest, as an event tells of it; reporting counts it, and routing goes by the counts. One that was
-- taken back afterwards was approved all the same. No card data beyond what the payment's view shows.
create or replace function core.attempt_told_v1(p_payment core.payment, p_op core.operation) returns json
language plpgsql stable as $$
begin
    return json_build_object(
        'id', p_op.id, 'provider', p_op.provider, 'provider_account', p_op.account_id,
        'status', case p_op.status when 'reversed' then 'approved' else p_op.status end,
        'unknown', 'unknown' = any (p_op.outcomes), 'reason', p_op.reason, 'brand', p_payment.card ->> 'brand',
        'bin_prefix', p_payment.card ->> 'bin', 'amount', p_op.amount, 'currency', p_op.currency,
        'settled_at', core.iso_v1(p_op.settled_at));
end
$$;
