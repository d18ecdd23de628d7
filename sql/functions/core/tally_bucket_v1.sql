-- The bucket of core.attempt_tally that a moment belongs to: its minute.
create or replace function core.tally_bucket_v1(p_at timestamptz) returns timestamptz
language sql immutable parallel safe as $$
    select date_trunc('minute', p_at, 'UTC')
$$;
