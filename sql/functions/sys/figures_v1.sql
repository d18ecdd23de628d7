-- What is open right now, for /metrics. Reads partial indexes and queues alone, each to a bound, so that it stays cheap when
-- something piles up.
-- p: {at, most} → {live: [{provider, kind, status, count}], reviews, orders: {waiting, oldest_s},
--    deliveries: {pending, due, dead, oldest_s}, notifications_unmatched, circuits: [{provider, open}]}
create or replace function sys.figures_v1(p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp set enable_seqscan = off as $$
declare
    v_at timestamptz := (p ->> 'at')::timestamptz;
    v_most int := (p ->> 'most')::int;
begin
    return json_build_object(
        'live', (select coalesce(json_agg(l), '[]') from (
            select o.provider, o.kind, o.status, count(*) as count from (
                (select x.provider, x.kind, x.status from core.operation x
                 where x.kind = 'authorize'
                   and x.status in ('dispatched', 'unknown', 'pending', 'requires_action', 'review') limit v_most)
                union all
                (select x.provider, x.kind, x.status from core.operation x
                 where x.kind <> 'authorize'
                   and x.status in ('dispatched', 'unknown', 'pending', 'requires_action') limit v_most)
            ) as o group by 1, 2, 3 order by 1, 2, 3) as l),
        'reviews', (select count(*) from (
            select from core.review r where r.resolved_at is null limit v_most) as r),
        'orders', (select json_build_object('waiting', count(*), 'oldest_s', coalesce(round(extract(
            epoch from clock_timestamp() - min(greatest(o.created_real, o.not_before)))::numeric, 3), 0))
            from (select * from core.workflow_order x order by x.created_real limit v_most) as o),
        'deliveries', (select json_build_object(
            'pending', count(*), 'due', count(*) filter (where d.next_at <= v_at),
            'oldest_s', coalesce(round(extract(epoch from greatest(v_at - min(d.next_at), interval '0'))::numeric, 3), 0),
            'dead', (select count(*) from (select from core.delivery x where x.status = 'dead' limit v_most) as x))
            from (select x.next_at from core.delivery x where x.status = 'pending'
                  order by x.next_at limit v_most) as d),
        'notifications_unmatched', (select count(*) from (
            select from core.webhook_inbox w where w.payment_id is null limit v_most) as w),
        'circuits', (select coalesce(json_agg(c), '[]') from (
            select a.provider, count(*) as open from core.circuit x join core.provider_account a on a.id = x.account_id
            where x.open_until > v_at group by 1 order by 1) as c));
end
$$;
