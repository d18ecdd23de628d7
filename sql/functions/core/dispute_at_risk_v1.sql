-- Whether a dispute in this status counts in its payment's `amount_disputed`: open, or lost. The same set stands in
-- gateway/domain/dispute.py.
create or replace function core.dispute_at_risk_v1(p_status text) returns boolean
language sql immutable parallel safe as $$
    select p_status in ('needs_response', 'under_review', 'pre_arbitration', 'lost', 'accepted')
$$;
