-- Write what an OUTCOME says into the operation: the status it leads to, and the PSP's words. No effect on money here.
-- An absence counts only when the caller says so by the kind `absent`. An earlier look that found nothing is `unknown`
-- with `absent: true`: it is kept as absent_since. (Counting applies here instead would make a repeated apply final.)
-- o: OUTCOME, and the `source` that it came by (none: recovery found it so); when what was learned how stays in `history`.
create or replace function core.learn_v1(p_op core.operation, o jsonb, p_at timestamptz)
returns core.operation
language plpgsql as $$
declare
    v_kind text := o ->> 'kind';
    v_status text;
begin
    p_op.review_reason := null;
    v_status := case v_kind when 'action_required' then 'requires_action' else v_kind end;
    if coalesce((o ->> 'absent')::boolean, false) then
        p_op.absent_since := coalesce(p_op.absent_since, p_at);
    elsif v_kind = 'approved' and o ->> 'amount' is not null and p_op.kind <> 'void'
          and ((o ->> 'amount')::bigint <> p_op.amount or o ->> 'currency' is distinct from p_op.currency) then
        -- Money moved, but not the money we meant: somebody has to look.
        v_status := case when core.is_live_v1(p_op.status) then 'review' else 'approved' end;
        p_op.review_reason := 'amount_mismatch';
    end if;
    if v_kind in ('approved', 'pending', 'action_required') then
        p_op.absent_since := null;
    end if;
    if v_status = 'unknown' then
        p_op.unknown_since := coalesce(p_op.unknown_since, p_at);
    end if;
    if p_op.outcomes[cardinality(p_op.outcomes)] is distinct from v_kind then
        p_op.outcomes := p_op.outcomes || v_kind;
    end if;
    if v_kind = 'approved' then
        p_op.amount_approved := coalesce((o ->> 'amount')::bigint, p_op.amount);
        p_op.captured := coalesce((o ->> 'captured')::boolean, false);
    end if;
    p_op.status := v_status;
    p_op.history := core.history_v1(p_op.history, jsonb_strip_nulls(jsonb_build_object(
        'at', core.iso_v1(p_at), 'status', v_status, 'source', coalesce(o ->> 'source', 'recovery'),
        'epoch', p_op.epoch, 'cause', o ->> 'cause', 'absent', o -> 'absent', 'reason', o ->> 'reason',
        'provider_code', o ->> 'provider_code', 'network_code', o ->> 'network_code',
        'provider_reference', o ->> 'provider_reference', 'trace', core.trace_v1())));
    p_op.provider_reference := coalesce(o ->> 'provider_reference', p_op.provider_reference);
    p_op.network_transaction_id := coalesce(o ->> 'network_transaction_id', p_op.network_transaction_id);
    p_op.reason := coalesce(o ->> 'reason', p_op.reason);
    p_op.provider_code := coalesce(o ->> 'provider_code', p_op.provider_code);
    p_op.network_code := coalesce(o ->> 'network_code', p_op.network_code);
    p_op.network_advice := coalesce(o ->> 'network_advice', p_op.network_advice);
    p_op.message := coalesce(o ->> 'message', p_op.message);
    p_op.advice := coalesce(o ->> 'advice', p_op.advice);
    p_op.cause := coalesce(o ->> 'cause', p_op.cause);
    p_op.action := coalesce(o -> 'action', p_op.action);
    if not core.is_live_v1(v_status) then
        p_op.settled_at := coalesce(p_op.settled_at, p_at);
    end if;
    return p_op;
end
$$;
