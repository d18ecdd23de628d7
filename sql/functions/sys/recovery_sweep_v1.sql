-- Operations whose sender died: dispatched past their lease become unknown (crash), their callers' idempotency rows
-- open, and the workflow is ordered. p: {limit, at} → {swept}
create or replace function sys.recovery_sweep_v1(p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_at timestamptz := (p ->> 'at')::timestamptz;
    v_candidate record;
    v_op core.operation;
    v_swept int := 0;
begin
    for v_candidate in
        select o.id, o.payment_id from core.operation o
        where o.status = 'dispatched' and o.lease_until < clock_timestamp()
        order by o.lease_until limit (p ->> 'limit')::int
    loop
        -- The payment's lock first, as everywhere; whoever holds it is about to settle the operation anyhow.
        perform 1 from core.payment x where x.id = v_candidate.payment_id for update skip locked;
        continue when not found;
        select * into v_op from core.operation o where o.id = v_candidate.id;
        continue when v_op.status <> 'dispatched' or v_op.lease_until >= clock_timestamp();
        v_op := core.learn_v1(v_op, '{"kind": "unknown", "cause": "crash"}', v_at);
        v_op.lease_until := null;
        perform core.save_operation_v1(v_op);
        update core.idempotency i set state = 'open'
        where i.payment_id = v_op.payment_id and i.state = 'in_flight'
          and (i.operation_id = v_op.id or i.operation_id is null);
        perform core.order_v1(null, v_op.merchant, v_op.payment_id);
        v_swept := v_swept + 1;
    end loop;
    return json_build_object('swept', v_swept);
end
$$;
