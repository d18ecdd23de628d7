-- Claim an operation before looking at the PSP or replaying it: raises the epoch, so that whoever held it before is
-- fenced, and leases it. A sender that died is found here too: dispatched past its lease becomes unknown (crash).
-- p: {operation_id, at, send_within_ms, lease_ms}
-- → {result: "claimed", dispatch: DISPATCH} | {result: "leased", until} | {result: "settled", operation: op view}
create or replace function api.operation_claim_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_at timestamptz := (p ->> 'at')::timestamptz;
    v_now timestamptz := clock_timestamp();
    s core.progress;
    v_op core.operation;
begin
    perform core.tenant_v1(p_merchant);
    s := core.progress_begin_v1(p ->> 'operation_id');
    v_op := s.operation;
    -- A settled operation is looked at again when a notification spoke of it.
    if v_op.status = 'reversed' or not core.is_live_v1(v_op.status) and not v_op.hinted then
        return json_build_object('result', 'settled', 'operation', core.operation_view_v1(v_op, 'operation'));
    elsif v_op.lease_until > v_now then
        return json_build_object('result', 'leased', 'until', core.iso_v1(v_op.lease_until));
    end if;
    if v_op.status = 'dispatched' then
        v_op := core.learn_v1(v_op, '{"kind": "unknown", "cause": "crash"}', v_at);
    end if;
    v_op.epoch := v_op.epoch + 1;
    v_op.looks := v_op.looks + 1;
    v_op.looked_at := v_at;
    v_op.send_by := v_now + (p ->> 'send_within_ms')::float8 * interval '1 millisecond';
    v_op.lease_until := v_now + (p ->> 'lease_ms')::float8 * interval '1 millisecond';
    perform core.save_operation_v1(v_op);
    return json_build_object('result', 'claimed', 'dispatch', core.dispatch_v1(v_op, s.payment, v_at));
end
$$;
