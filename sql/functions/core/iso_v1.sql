-- A time as every answer shows it: ISO 8601, UTC, milliseconds.
create or replace function core.iso_v1(p_at timestamptz) returns text
language sql stable parallel safe as $$
    select to_char(p_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;
