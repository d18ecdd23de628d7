-- Forget receipts that a watermark can say as well: every event up to it was seen by that cluster, each at least
-- `older_than_s` seconds ago by the database's clock. So old, no transaction can still bring an event with a lower
-- position. `limit`: events per cluster. A cluster that acknowledged nothing for `forget_s` is forgotten; should it come
-- back, it gets some events again, which consumers know by their ids.
-- p: {older_than_s, forget_s, limit} → {purged, clusters: {cluster: position}}
create or replace function sys.receipt_purge_v1(p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp set enable_seqscan = off as $$
declare
    v_before timestamptz := clock_timestamp() - (p ->> 'older_than_s')::float8 * interval '1 second';
    v_gone timestamptz := clock_timestamp() - (p ->> 'forget_s')::float8 * interval '1 second';
    v_cluster core.cluster_seen;
    v_stop bigint;
    v_last bigint;
    v_count bigint;
    v_purged bigint := 0;
begin
    for v_cluster in select * from core.cluster_seen c order by c.cluster for update skip locked loop
        if v_cluster.seen_at < v_gone then
            delete from core.event_sent s where (s.position, s.cluster) in (
                select t.position, t.cluster from core.event_sent t
                where t.cluster = v_cluster.cluster order by t.position limit (p ->> 'limit')::int);
            get diagnostics v_count = row_count;
            if v_count = 0 then
                delete from core.cluster_seen c where c.cluster = v_cluster.cluster;
            else
                update core.cluster_seen c set position = 0 where c.cluster = v_cluster.cluster and c.position > 0;
            end if;
            v_purged := v_purged + v_count;
            continue;
        end if;
        select min(n.position) filter (where n.sent_at is null or n.sent_at >= v_before), max(n.position)
        into v_stop, v_last
        from (select e.position, s.sent_at from core.event e
              left join core.event_sent s on s.position = e.position and s.cluster = v_cluster.cluster
              where e.position > v_cluster.position order by e.position limit (p ->> 'limit')::int) as n;
        v_last := coalesce(v_stop - 1, v_last);
        continue when v_last is null or v_last <= v_cluster.position;
        update core.cluster_seen c set position = v_last where c.cluster = v_cluster.cluster;
        delete from core.event_sent s
        where s.position > v_cluster.position and s.position <= v_last and s.cluster = v_cluster.cluster;
        get diagnostics v_count = row_count;
        v_purged := v_purged + v_count;
    end loop;
    return json_build_object('purged', v_purged, 'clusters', (
        select coalesce(json_object_agg(c.cluster, c.position), '{}') from core.cluster_seen c));
end
$$;
