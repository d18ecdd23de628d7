-- Trigger: a dispute begins and moves along an edge of its automaton or not at all.
create or replace function core.guard_dispute_transition_v1() returns trigger
language plpgsql as $$
declare
    v_from text := 'new';
begin
    if tg_op = 'UPDATE' then
        v_from := old.status;
    end if;
    perform 1 from core.dispute_transition t where t.from_status = v_from and t.to_status = new.status;
    if not found then
        raise exception using errcode = 'PA500', message = 'forbidden_transition',
            detail = format('dispute %s may not go from %s to %s', new.id, v_from, new.status);
    end if;
    return new;
end
$$;
