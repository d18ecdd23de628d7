-- The trace id of the traceparent that the caller set for this transaction, or null.
create or replace function core.trace_v1() returns text
language sql stable parallel safe as $$
    select nullif(split_part(current_setting('payera.traceparent', true), '-', 2), '')
$$;
