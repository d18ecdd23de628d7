-- One delivery per event and endpoint that subscribes to its type, deduplicated by (endpoint, event). Of each event
-- only the id counts: what is delivered is the event as it was committed here, in its own order of keys, and an id that
-- was never committed here gives nothing, whoever wrote it to the topic.
-- An event as old as the deliveries that were forgotten (sys.delivery_purge_v1) plans none.
-- p: {events: [{id}], at} → {planned}
-- Queues outrun their statistics: without the setting a plan made on an empty table reads all events ever written.
create or replace function sys.delivery_plan_v1(p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp set enable_seqscan = off as $$
declare
    v_count bigint;
begin
    insert into core.delivery (id, merchant, endpoint_id, event_id, event_type, payment_id, next_at, created_at)
    select 'del_' || right(e.id, 26) || '_' || right(w.id, 8), e.merchant, w.id, e.id, e.type, e.payment_id,
           (p ->> 'at')::timestamptz, (p ->> 'at')::timestamptz
    from jsonb_array_elements(p -> 'events') as given
    join core.event e on e.id = given ->> 'id'  -- what was published, not what came back
    join core.webhook_endpoint w on w.merchant = e.merchant
    where w.status = 'enabled' and w.deleted_at is null
      and e.at >= coalesce((select f.upto from core.forgotten f where f.what = 'deliveries'), '-infinity')
      and ('*' = any (w.enabled_events) or e.type = any (w.enabled_events))
    on conflict (endpoint_id, event_id) do nothing;
    get diagnostics v_count = row_count;
    return json_build_object('planned', v_count);
end
$$;
