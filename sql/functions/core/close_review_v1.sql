-- Trigger: an operation left `review` by evidence that came after all (an operator's resolution closes its review first).
create or replace function core.close_review_v1() returns trigger
language plpgsql as $$
begin
    update core.review r
    set resolved_at = coalesce(new.settled_at, new.looked_at, r.opened_at), resolution = 'evidence'
    where r.operation_id = new.id and r.resolved_at is null;
    return null;
end
$$;
