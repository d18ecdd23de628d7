-- What an operation is told by one notification more: the newest word counts, but nothing unsays an approval.
create or replace function core.tell_v1(p_told jsonb, p_outcome jsonb) returns jsonb
language sql immutable parallel safe as $$
    select case when p_outcome is null then p_told
                when p_told ->> 'kind' = 'approved' and p_outcome ->> 'kind' <> 'approved' then p_told
                else p_outcome end
$$;
