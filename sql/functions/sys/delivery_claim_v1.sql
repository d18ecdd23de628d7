-- Lease deliveries that are due at business time `at`, whose endpoints are enabled. `busy` names endpoints that have
-- enough under way: theirs wait, so that a slow endpoint never stands in the way of the others.
-- p: {dispatcher, limit, lease_ms, at, busy?: [endpoint id]}
-- → [{id, endpoint_id, merchant, event_id, payload, attempts, created_at, url, secret_ciphertext, key_id,
--     traceparent}]
-- Queues outrun their statistics: without the setting a plan made on an empty table reads all events ever written.
create or replace function sys.delivery_claim_v1(p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp set enable_seqscan = off as $$
declare
    v_now timestamptz := clock_timestamp();
    v_answer json;
begin
    with due as (
        select d.id from core.delivery d
        join core.webhook_endpoint w on w.id = d.endpoint_id and w.status = 'enabled' and w.deleted_at is null
        where d.status = 'pending' and d.next_at <= (p ->> 'at')::timestamptz
          and (d.lease_until is null or d.lease_until <= v_now)
          and d.endpoint_id <> all (array(select jsonb_array_elements_text(p -> 'busy')))
        order by d.next_at, d.id limit (p ->> 'limit')::int for update of d skip locked
    ), claimed as (
        update core.delivery d
        set dispatcher = p ->> 'dispatcher', lease_until = v_now + (p ->> 'lease_ms')::float8 * interval '1 millisecond'
        from due where d.id = due.id
        returning d.*
    )
    select coalesce(json_agg(json_build_object(
        'id', c.id, 'endpoint_id', c.endpoint_id, 'merchant', c.merchant, 'event_id', c.event_id,
        'payload', e.event, 'attempts', c.attempts, 'created_at', core.iso_v1(c.created_at), 'url', w.url,
        'secret_ciphertext', w.secret_ciphertext, 'key_id', w.key_id,
        'traceparent', e.traceparent) order by c.next_at, c.id), '[]')
    into v_answer from claimed c
    join core.webhook_endpoint w on w.id = c.endpoint_id
    join core.event e on e.id = c.event_id;
    return v_answer;
end
$$;
