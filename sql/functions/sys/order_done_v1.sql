-- The workflows were started or signalled, acknowledged by the server: kept, so that a payment's timeline can say when.
-- p: {ids} → {done}
create or replace function sys.order_done_v1(p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_count bigint;
begin
    with done as (
        delete from core.workflow_order o
        where o.id = any (array(select jsonb_array_elements_text(p -> 'ids'))) and o.lease_until is not null
        returning o.id, o.merchant, o.payment_id, o.created_real, o.traceparent
    )
    insert into core.workflow_wake (order_id, merchant, payment_id, ordered_at, acknowledged_at, trace_id)
    select d.id, d.merchant, d.payment_id, d.created_real, clock_timestamp(), nullif(split_part(d.traceparent, '-', 2), '')
    from done d on conflict do nothing;
    get diagnostics v_count = row_count;
    return json_build_object('done', v_count);
end
$$;
