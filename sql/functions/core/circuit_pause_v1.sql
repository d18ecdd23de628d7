-- How long an open circuit keeps payments away before one of them tries the account again.
create or replace function core.circuit_pause_v1() returns interval
language sql immutable parallel safe as $$
    select interval '30 seconds'
$$;
