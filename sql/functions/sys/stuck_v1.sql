-- What should have moved and has not, by the database's clock; every row says since when. Nothing here waits for a PSP's
-- notification, a shopper or an operator.
--   lease_expired   dispatched, and its sender's lease is over: the sweeper should have found it
--   not_looked_at   its outcome is not known, and nobody has looked for so long
--   not_reversed    a surplus approval that nobody takes back
--   attempt_due     a fallback that nobody begins
--   order_waiting   Temporal has not acknowledged the order to start or wake a workflow
--   key_in_flight   an idempotency key of such a payment whose callers still wait
--   event_unsent    the relay has not published an event
--   delivery_late   a merchant's notification that is due and not tried
--   delivery_dead   a merchant's notification that was given up (until it is replayed)
-- p: {older_than_s, limit?} → {data: [{kind, merchant, payment, subject, since, details}], counts: {kind: n}};
-- the oldest first, `limit` per kind; delivery_dead is listed, not counted: nothing will move it but a person
create or replace function sys.stuck_v1(p jsonb) returns jsonb
language plpgsql security definer set search_path = core, vault, pg_temp set enable_seqscan = off as $$
declare
    v_before timestamptz := clock_timestamp() - (p ->> 'older_than_s')::float8 * interval '1 second';
    v_limit int := coalesce((p ->> 'limit')::int, 100);
    v_answer jsonb;
begin
    with found as (
        (select 'lease_expired' as kind, o.merchant, o.payment_id, o.id as subject, o.lease_until as since, o.kind as detail
         from core.operation o where o.status = 'dispatched' and o.lease_until < v_before
         order by o.lease_until limit v_limit)
        union all
        (select 'not_looked_at', o.merchant, o.payment_id, o.id, greatest(o.looked_at, o.unknown_since, o.lease_until), o.kind
         from core.operation o
         where o.kind = 'authorize' and o.status in ('dispatched', 'unknown', 'pending', 'requires_action', 'review')
           and o.status = 'unknown' and greatest(o.looked_at, o.unknown_since, o.lease_until) < v_before
         order by 5 limit v_limit)
        union all
        (select 'not_looked_at', o.merchant, o.payment_id, o.id, greatest(o.looked_at, o.unknown_since, o.lease_until), o.kind
         from core.operation o
         where o.kind <> 'authorize' and o.status in ('dispatched', 'unknown', 'pending', 'requires_action')
           and o.status = 'unknown' and greatest(o.looked_at, o.unknown_since, o.lease_until) < v_before
         order by 5 limit v_limit)
        union all
        (select 'not_reversed', o.merchant, o.payment_id, o.id, o.settled_at, o.provider
         from core.operation o
         where o.surplus and o.status = 'approved' and o.reversed_by is null and o.settled_at < v_before
         order by o.created_at limit v_limit)
        union all
        (select 'attempt_due', x.merchant, x.id, x.id, x.updated_at, x.status
         from core.payment x where x.attempt_due and x.updated_at < v_before order by x.updated_at limit v_limit)
        union all
        (select 'order_waiting', o.merchant, o.payment_id, o.id, greatest(o.created_real, o.not_before),
                coalesce(o.relay, 'unclaimed')
         from core.workflow_order o where greatest(o.created_real, o.not_before) < v_before
         order by o.created_real limit v_limit)
        union all
        (select 'event_unsent', e.merchant, e.payment_id, e.id, u.created_real, e.type
         from core.outbox u join core.event e on e.position = u.position
         where u.created_real < v_before order by u.position limit v_limit)
        union all
        (select 'delivery_late', d.merchant, d.payment_id, d.id, d.next_at, d.event_type
         from core.delivery d join core.webhook_endpoint w on w.id = d.endpoint_id
         where d.status = 'pending' and d.next_at < v_before and w.status = 'enabled' and w.deleted_at is null
         order by d.next_at limit v_limit)
        union all
        (select 'delivery_dead', d.merchant, d.payment_id, d.id, d.created_at, coalesce(d.error, d.status_code::text)
         from core.delivery d where d.status = 'dead' and d.created_at < v_before order by d.created_at limit v_limit)
    ), all_found as (
        select * from found
        union all
        select 'key_in_flight', i.merchant, i.payment_id, coalesce(i.operation_id, i.payment_id), i.created_at, i.scope
        from core.idempotency i
        where i.state = 'in_flight' and i.created_at < v_before
          and (i.merchant, i.payment_id) in (select f.merchant, f.payment_id from found f)
    )
    select jsonb_build_object(
        'data', coalesce(jsonb_agg(jsonb_build_object(
            'kind', f.kind, 'merchant', f.merchant, 'payment', f.payment_id, 'subject', f.subject,
            'since', core.iso_v1(f.since), 'details', f.detail) order by f.since, f.kind, f.subject), '[]'),
        'counts', coalesce((select jsonb_object_agg(k.kind, k.n) from (
            select g.kind, count(*) as n from all_found g where g.kind <> 'delivery_dead' group by g.kind) as k), '{}'))
    into v_answer from all_found f;
    return v_answer;
end
$$;
