-- Whether an operation in this status may still move money.
create or replace function core.is_live_v1(p_status text) returns boolean
language sql immutable parallel safe as $$
    select p_status in ('dispatched', 'unknown', 'pending', 'requires_action', 'review')
$$;
