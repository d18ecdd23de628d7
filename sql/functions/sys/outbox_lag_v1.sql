-- p: {} → {unsent, oldest_s}: how many events wait, and for how many seconds the oldest has
create or replace function sys.outbox_lag_v1(p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_unsent bigint;
    v_oldest timestamptz;
begin
    select count(*) into v_unsent from core.outbox;
    select o.created_real into v_oldest from core.outbox o order by o.position limit 1;
    return json_build_object(
        'unsent', v_unsent, 'oldest_s', coalesce(round(extract(epoch from clock_timestamp() - v_oldest)::numeric, 3), 0));
end
$$;
