-- Nothing can be proved about an operation by machine: it goes to review, the payment to needs_review where its
-- automaton allows, with an alert event either way. Its reservation stays.
-- p: {operation_id, epoch, reason, at, event_ids} → {result: "applied" | "already" | "stale", payment, operation, workflow}
create or replace function api.operation_review_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_at timestamptz := (p ->> 'at')::timestamptz;
    s core.progress;
begin
    perform core.tenant_v1(p_merchant);
    s := core.progress_begin_v1(p ->> 'operation_id');
    if (s.operation).status = 'review' then
        s.result := 'already';
        return core.progress_answer_v1(s, core.payment_view_v1(s.payment), false);
    elsif not core.is_live_v1((s.operation).status) or (p ->> 'epoch')::int < (s.operation).epoch then
        s.result := 'stale';
        return core.progress_answer_v1(s, core.payment_view_v1(s.payment), core.payment_waits_v1(s.payment));
    end if;
    s.operation.status := 'review';
    s.operation.review_reason := p ->> 'reason';
    s.operation.lease_until := null;
    s.operation.hinted := false;
    s.operation.history := core.history_v1((s.operation).history, jsonb_strip_nulls(jsonb_build_object(
        'at', core.iso_v1(v_at), 'status', 'review', 'source', 'workflow', 'epoch', (s.operation).epoch,
        'reason', p ->> 'reason', 'trace', core.trace_v1())));
    s.payment.updated_at := v_at;
    s := core.to_review_v1(s, p ->> 'reason');
    return core.progress_end_v1(s, p, v_at, false);
end
$$;
