-- Build what reporting keeps (archive, attempts, tallies, daily totals) once more from core.event, which nobody changes,
-- and compare. Live tables are compared over the events that reporting has consumed; `behind` is how many it has not.
-- Without `check` the rebuilt rows replace the live ones in one commit, and reporting catches up with the rest.
-- p: {check: bool, rows?: how many differing rows to show per table}
-- → {events, behind, differences: {table: count}, rows: [{table, key, live, rebuilt}], replaced: bool}
create or replace function sys.reports_rebuild_v1(p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_check boolean := coalesce((p ->> 'check')::boolean, false);
    v_rows int := coalesce((p ->> 'rows')::int, 20);
    v_keys jsonb := '{"event_archive": ["event_id"], "attempt_fact": ["id"],
                      "attempt_tally": ["merchant", "account_id", "bucket"],
                      "daily_total": ["merchant", "day", "currency", "type"]}';
    v_table text;
    v_key text[];
    v_found jsonb;
    v_differences jsonb := '{}';
    v_shown jsonb := '[]';
    v_missing jsonb;
    v_events bigint;
begin
    perform pg_advisory_xact_lock(hashtextextended('reports', 0));
    drop table if exists rebuilt_event_archive, rebuilt_attempt_fact, rebuilt_attempt_tally, rebuilt_daily_total;
    create temp table rebuilt_event_archive on commit drop as
        select e.id as event_id, e.merchant, e.payment_id, e.sequence, e.type, (e.event ->> 'time')::timestamptz as at,
               e.event::jsonb as event
        from core.event e join core.event_archive a on a.event_id = e.id;
    create temp table rebuilt_attempt_fact on commit drop as
        select distinct on (a.id) a.* from rebuilt_event_archive r cross join lateral core.event_attempts_v1(r.event) as a
        order by a.id, a.sequence;
    create temp table rebuilt_attempt_tally on commit drop as
        select f.merchant, f.account_id, core.tally_bucket_v1(f.settled_at) as bucket, count(*)::int as attempts,
               (count(*) filter (where f.status = 'approved'))::int as approved
        from rebuilt_attempt_fact f group by 1, 2, 3;
    create temp table rebuilt_daily_total on commit drop as
        select r.merchant, (r.at at time zone 'UTC')::date as day, core.event_currency_v1(r.event) as currency, r.type,
               count(*) as count, sum(core.event_amount_v1(r.event))::bigint as amount
        from rebuilt_event_archive r where core.event_currency_v1(r.event) is not null group by 1, 2, 3, 4;
    alter table rebuilt_event_archive alter column event type json using event::json;
    -- What a correction brought down to nothing, nobody would count.
    delete from core.attempt_tally t where t.attempts = 0;
    for v_table, v_key in
        select k.key, array(select jsonb_array_elements_text(k.value)) from jsonb_each(v_keys) as k order by 1
    loop
        select jsonb_build_object('count', count(*), 'rows', coalesce(jsonb_agg(jsonb_build_object(
                   'table', v_table, 'key', d.key, 'live', d.live, 'rebuilt', d.rebuilt)) filter (where d.n <= v_rows), '[]'))
        into v_found
        from (select *, row_number() over () as n from core.report_differences_v1(v_table, v_key)) as d;
        v_differences := v_differences || jsonb_build_object(v_table, v_found -> 'count');
        v_shown := v_shown || (v_found -> 'rows');
        if not v_check and (v_found ->> 'count')::bigint > 0 then
            perform core.report_replace_v1(v_table, v_key);
        end if;
    end loop;
    select count(*), jsonb_agg(e.event order by e.position) filter (where a.event_id is null)
    into v_events, v_missing
    from core.event e left join core.event_archive a on a.event_id = e.id;
    if not v_check and v_missing is not null then
        perform sys.report_events_v1(jsonb_build_object('events', v_missing));
    end if;
    return json_build_object('events', v_events, 'behind', coalesce(jsonb_array_length(v_missing), 0),
                             'differences', v_differences, 'rows', v_shown, 'replaced', not v_check);
end
$$;
