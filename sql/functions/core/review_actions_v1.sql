-- What an operator can do about an operation under review. Undecided: say what became of it, or have the PSP asked again.
-- A reversal that the PSP refused: say that the money was given back after all. What stands is only acknowledged.
create or replace function core.review_actions_v1(p core.operation) returns text[]
language sql immutable parallel safe as $$
    select case when p.status = 'review' then array['approved', 'declined', 'absent', 'look_again']
                when p.reversal_of is not null and p.status = 'declined' then array['approved', 'acknowledge']
                else array['acknowledge'] end
$$;
