-- What only a look from time to time can notice: events or orders that wait too long, payments that are stuck. Raises and
-- clears their alerts, and says what is open, for the figures, and what was raised since, for the log.
-- p: {at, after: position, outbox_s, orders_s, stuck_s} → {open: {kind: n}, reviews: n, raised: [{position, kind, subject,
--    merchant, details}], last: position}
create or replace function sys.alert_watch_v1(p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_at timestamptz := (p ->> 'at')::timestamptz;
    v_stuck jsonb;
    v_late record;
    v_answer json;
begin
    for v_late in
        select 'outbox_late' as kind, 'outbox' as subject, (p ->> 'outbox_s')::float8 as limit_s,
               (select extract(epoch from clock_timestamp() - o.created_real) from core.outbox o
                order by o.position limit 1) as oldest_s
        union all
        select 'orders_late', 'orders', (p ->> 'orders_s')::float8,
               (select extract(epoch from clock_timestamp() - min(greatest(o.created_real, o.not_before)))
                from core.workflow_order o)
    loop
        if v_late.oldest_s > v_late.limit_s then
            perform core.alert_raise_v1(v_late.kind, v_late.subject, null,
                                        jsonb_build_object('oldest_s', round(v_late.oldest_s)), v_at);
        else
            perform core.alert_clear_v1(v_late.kind, v_late.subject, v_at);
        end if;
    end loop;
    v_stuck := sys.stuck_v1(jsonb_build_object('older_than_s', p -> 'stuck_s', 'limit', 100)) -> 'counts';
    if v_stuck <> '{}' then
        perform core.alert_raise_v1('work_stuck', 'work', null, v_stuck, v_at);
    else
        perform core.alert_clear_v1('work_stuck', 'work', v_at);
    end if;
    select json_build_object(
        'open', coalesce((select json_object_agg(k.kind, k.open) from (
            select a.kind, count(*) as open from core.alert a where a.cleared_at is null group by a.kind) as k), '{}'),
        'reviews', (select count(*) from core.review r where r.resolved_at is null),
        'raised', coalesce((select json_agg(json_build_object(
            'position', a.position, 'kind', a.kind, 'subject', a.subject, 'merchant', a.merchant, 'details', a.details)
            order by a.position) from core.alert a where a.position > (p ->> 'after')::bigint), '[]'),
        'last', coalesce((select max(a.position) from core.alert a), 0))
    into v_answer;
    return v_answer;
end
$$;
