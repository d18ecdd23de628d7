-- Write down what came of an operation: one call, one commit, for every kind of operation. Compare-and-set on the
-- epoch, safe to repeat: the outcome, the transitions, the ledger, the events, the order for the workflow, the frozen
-- idempotent answer, the end of the CVV.
-- p: {operation_id, epoch, outcome: OUTCOME, cascade: bool, at, source: inline|replay|read|webhook|operator,
--     event_ids: [..], order_id, answers?: {scope, key, status}, hold?: {valid_s, grace_s} of the provider, told?: what the webhook had told, as dispatch gave it}
-- → {result: "applied" | "already" | "stale" | "surplus", payment: view, operation: op view, refund?: view,
--    workflow: bool}
-- Raises PA404 operation_not_found, PA500 for what the automata forbid.
create or replace function api.payment_apply_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    o jsonb := p -> 'outcome';
    v_at timestamptz := (p ->> 'at')::timestamptz;
    v_source text := p ->> 'source';
    v_approved boolean := o ->> 'kind' = 'approved';
    v_was text;
    v_hinted boolean;
    s core.progress;
begin
    perform core.tenant_v1(p_merchant);
    s := core.progress_begin_v1(p ->> 'operation_id');
    if (p ->> 'epoch')::int > (s.operation).epoch then
        perform core.refuse_v1('PA500', 'epoch_unknown', 'This epoch was never given out.');
    end if;
    v_was := (s.operation).status;
    v_hinted := (s.operation).hinted;
    if v_source = 'webhook' and (s.operation).told = p -> 'told' then
        s.operation.told := null;  -- applied now; what was told since then stays
    end if;
    if core.is_undoing_v1(s.operation, o, v_source) then
        return core.undo_v1(s, p, v_at);
    elsif not core.is_live_v1(v_was) and (not v_approved or v_was in ('approved', 'reversed')) then
        -- What is settled stays settled; only the proof of an approval reopens it.
        if v_source in ('read', 'replay', 'webhook') and (p ->> 'epoch')::int >= (s.operation).epoch then
            -- The look that a notification asked for is over; it counts as done unless it could not tell.
            s.operation.lease_until := null;
            s.operation.hinted := v_hinted and o ->> 'kind' = 'unknown' or (s.operation).told is not null;
            perform core.save_operation_v1(s.operation);
        end if;
        s.result := case when v_was = o ->> 'kind' or (v_approved and v_was = 'reversed') then 'already' else 'stale' end;
        return core.progress_answer_v1(s, core.payment_view_v1(s.payment), core.payment_waits_v1(s.payment));
    elsif (p ->> 'epoch')::int < (s.operation).epoch and not v_approved then
        s.result := 'stale';
        return core.progress_answer_v1(s, core.payment_view_v1(s.payment), core.payment_waits_v1(s.payment));
    end if;
    if (p ->> 'epoch')::int >= (s.operation).epoch or v_approved then
        s.operation.lease_until := null;
    end if;
    s.operation := core.learn_v1(s.operation, o || jsonb_build_object('source', v_source), v_at);
    if not core.is_news_v1((s.operation).status, (s.operation).told) then
        s.operation.told := null;
    end if;
    s.operation.hinted := (s.operation).told is not null
        or v_hinted and v_source = 'inline' and core.is_live_v1((s.operation).status);
    s.payment.updated_at := v_at;
    if (s.operation).kind = 'authorize' then
        perform core.card_attempt_settle_v1(s.operation);
        if v_source = 'inline' then
            perform core.circuit_note_v1(s.operation, v_at);
        end if;
    end if;
    s := case when (s.operation).reversal_of is not null then core.apply_reversal_v1(s, v_at)
              when (s.operation).supersedes is not null then core.apply_reauthorization_v1(s, v_at)
              when (s.operation).kind = 'authorize' then
                  core.apply_authorize_v1(s, v_was, coalesce((p ->> 'cascade')::boolean, false), v_at)
              when (s.operation).kind = 'capture' then core.apply_capture_v1(s, v_was, v_at)
              when (s.operation).kind = 'void' then core.apply_void_v1(s)
              else core.apply_refund_v1(s, v_was, v_at) end;
    if (s.operation).kind = 'authorize' and (s.operation).id = (s.payment).winner then
        perform core.hold_put_v1(s.operation, p -> 'hold');
    end if;
    return core.progress_end_v1(s, p, v_at, v_hinted);
end
$$;
