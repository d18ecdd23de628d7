-- What an operation is told by one notification more: the newest word counts, but nothing unsays an approval except that
-- it did not stand, which in turn nothing unsays, in whatever order the two come.
create or replace function core.tell_v1(p_told jsonb, p_outcome jsonb) returns jsonb
language sql immutable parallel safe as $$
    select case when p_outcome is null or p_told ->> 'kind' = 'reversed' then p_told
                when p_outcome ->> 'kind' = 'reversed' then p_outcome
                when p_told ->> 'kind' = 'approved' and p_outcome ->> 'kind' <> 'approved' then p_told
                else p_outcome end
$$;
