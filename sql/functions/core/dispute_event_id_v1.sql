-- The id of the n-th event that a PSP's notice brings about.
create or replace function core.dispute_event_id_v1(p_account_id text, p_event_id text, p_n int) returns text
language sql immutable parallel safe as $$
    select 'evt_' || left(md5(p_account_id || p_event_id || ':dispute:' || p_n), 26)
$$;
