-- A refund's own status, from its operation's.
create or replace function core.refund_status_v1(p_status text) returns text
language sql immutable parallel safe as $$
    select case p_status
               when 'approved' then 'succeeded'
               when 'declined' then 'failed'
               when 'reversed' then 'failed'  -- after it had succeeded
               when 'not_sent' then 'failed'
               when 'absent' then 'failed'
               when 'review' then 'needs_review'
               else 'pending'
           end
$$;
