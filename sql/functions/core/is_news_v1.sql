-- Whether an outcome told by a notification can still change an operation in this status. What is settled as a "no" is
-- reopened by an approval only; what stands approved, by what says that it does not stand (any longer).
create or replace function core.is_news_v1(p_status text, p_outcome jsonb) returns boolean
language sql immutable parallel safe as $$
    select case when p_outcome is null then false
                when p_status = 'approved' then p_outcome ->> 'kind' in ('reversed', 'expired')
                when p_status = 'reversed' then false
                when core.is_live_v1(p_status) then p_outcome ->> 'kind' is distinct from p_status
                else p_outcome ->> 'kind' = 'approved' end
$$;
