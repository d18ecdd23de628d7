-- The row of a dispute that nobody knew before, not yet saved: `status` stays null until its first step.
create or replace function core.dispute_begin_v1(p_op core.operation, p_fact jsonb, p_at timestamptz)
returns core.dispute
language plpgsql as $$
declare
    d core.dispute;
begin
    d.id := p_fact ->> 'id';
    d.merchant := p_op.merchant;
    d.payment_id := p_op.payment_id;
    d.operation_id := p_op.id;
    d.account_id := p_op.account_id;
    d.provider := p_op.provider;
    d.provider_reference := p_fact ->> 'provider_reference';
    d.currency := p_fact ->> 'currency';
    d.moves := 0;
    d.amount_withdrawn := 0;
    d.fee := 0;
    d.history := '[]';
    d.opened_at := (p_fact ->> 'at')::timestamptz;
    d.updated_at := p_at;
    d.created_real := clock_timestamp();
    return d;
end
$$;
