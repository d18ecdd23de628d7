-- Lease the payments with the oldest unsent events and return, for each, all its unsent events in sequence. A payment
-- that another relay leases is left alone, so the order per payment holds with any number of relays. The lease ends
-- with outbox_sent_v1, or by itself after lease_ms; the relay that holds it may claim again at once (its last round
-- failed, and it runs one round at a time).
-- p: {relay, limit, lease_ms} → [{id, payment_id, merchant, sequence, event, traceparent}], ids in the order of sending
-- Queues outrun their statistics: without the setting a plan made on an empty table reads all events ever written.
create or replace function sys.outbox_claim_v1(p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp set enable_seqscan = off as $$
declare
    v_now timestamptz := clock_timestamp();
    v_claimed text[];
    v_answer json;
begin
    with wanted as (
        select distinct o.payment_id from (
            select o.payment_id from core.outbox o
            where not exists (select from core.outbox_lease l
                              where l.payment_id = o.payment_id and l.lease_until > v_now
                                and l.relay <> p ->> 'relay')
            order by o.position limit (p ->> 'limit')::int
        ) as o order by o.payment_id  -- one order of locking for all relays
    ), leased as (
        insert into core.outbox_lease as l (payment_id, relay, lease_until)
        select w.payment_id, p ->> 'relay', v_now + (p ->> 'lease_ms')::float8 * interval '1 millisecond'
        from wanted w
        on conflict (payment_id) do update set relay = excluded.relay, lease_until = excluded.lease_until
        where l.lease_until <= v_now or l.relay = excluded.relay
        returning l.payment_id
    )
    select array_agg(payment_id) into v_claimed from leased;
    if v_claimed is null then
        return '[]'::json;
    end if;
    -- A statement of its own: its snapshot is younger than the leases, so it sees what their last holder sent.
    select coalesce(json_agg(json_build_object(
        'id', e.position, 'payment_id', e.payment_id, 'merchant', e.merchant, 'sequence', e.sequence,
        'event', e.event, 'traceparent', e.traceparent) order by e.position), '[]')
    into v_answer
    from core.outbox o join core.event e on e.position = o.position where o.payment_id = any (v_claimed);
    return v_answer;
end
$$;
