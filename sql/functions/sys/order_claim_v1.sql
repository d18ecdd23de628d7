-- Lease the oldest orders that are due. An order that recovery wrote belongs to the trace that began its payment.
-- p: {relay, limit, lease_ms} → [{id, merchant, payment_id, traceparent}]
create or replace function sys.order_claim_v1(p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_now timestamptz := clock_timestamp();
    v_answer json;
begin
    with due as (
        select o.id from core.workflow_order o
        where (o.lease_until is null or o.lease_until <= v_now) and (o.not_before is null or o.not_before <= v_now)
        order by o.created_real limit (p ->> 'limit')::int for update skip locked
    ), claimed as (
        update core.workflow_order o
        set relay = p ->> 'relay', lease_until = v_now + (p ->> 'lease_ms')::float8 * interval '1 millisecond'
        from due where o.id = due.id
        returning o.id, o.merchant, o.payment_id, o.created_real, o.traceparent
    )
    select coalesce(json_agg(json_build_object('id', c.id, 'merchant', c.merchant, 'payment_id', c.payment_id,
        'traceparent', coalesce(c.traceparent, (select e.traceparent from core.event e
                                                where e.payment_id = c.payment_id and e.sequence = 1)))
                             order by c.created_real), '[]')
    into v_answer from claimed c;
    return v_answer;
end
$$;
