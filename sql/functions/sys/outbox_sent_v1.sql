-- These events were acknowledged by that Kafka cluster. Ends the leases of their payments.
-- p: {relay, ids, cluster} → {sent}
create or replace function sys.outbox_sent_v1(p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_ids bigint[] := array(select jsonb_array_elements_text(p -> 'ids')::bigint);
    v_payments text[];
begin
    with gone as (delete from core.outbox o where o.position = any (v_ids) returning o.payment_id)
    select array_agg(distinct payment_id) into v_payments from gone;
    insert into core.event_sent (position, cluster)
    select id, p ->> 'cluster' from unnest(v_ids) as id on conflict do nothing;
    insert into core.cluster_seen as c (cluster) values (p ->> 'cluster')
    on conflict (cluster) do update set seen_at = clock_timestamp()
    where c.seen_at < clock_timestamp() - interval '1 minute';
    delete from core.outbox_lease l where l.payment_id = any (v_payments) and l.relay = p ->> 'relay';
    return json_build_object('sent', cardinality(v_ids));
end
$$;
