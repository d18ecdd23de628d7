-- Trigger: an operation moves along an edge of its automaton or not at all.
create or replace function core.guard_operation_transition_v1() returns trigger
language plpgsql as $$
begin
    perform 1 from core.operation_transition t where t.from_status = old.status and t.to_status = new.status;
    if not found then
        raise exception using errcode = 'PA500', message = 'forbidden_transition',
            detail = format('operation %s may not go from %s to %s', old.id, old.status, new.status);
    end if;
    return new;
end
$$;
