-- The end of apply and review: save both rows, emit the events with their sequence, freeze the answer, order the
-- workflow if something outlives the request, destroy the CVV once the authorization came to an end.
create or replace function core.progress_end_v1(s core.progress, p jsonb, p_at timestamptz, p_hinted boolean)
returns json
language plpgsql as $$
declare
    v_first int := (s.payment).sequence;
    v_view json;
    v_own text;  -- which idempotency rows this answers
    v_rest boolean;
    -- Who looks by itself (the workflow) goes on by itself; an order each time would wake it in a circle.
    v_order boolean := s.wake and (coalesce(p ->> 'source', 'operator') not in ('read', 'replay')
                                   or s.result = 'surplus' or (s.payment).attempt_due);
begin
    s.payment.sequence := v_first + cardinality(s.events);
    -- The payment first: what its constraints and transitions refuse must not be half done.
    perform core.save_payment_v1(s.payment);
    perform core.save_operation_v1(s.operation);
    v_view := core.payment_view_v1(s.payment);
    for i in 1 .. cardinality(s.events) loop
        perform core.emit_v1(s.payment, v_view, s.operation, v_first + i, p -> 'event_ids' ->> (i - 1), s.events[i], p_at);
    end loop;
    if (s.operation).kind = 'authorize' and (s.operation).supersedes is null
       or (s.operation).reversal_of is not null then
        v_rest := (s.payment).status <> 'processing';
    else
        v_own := (s.operation).id;
        v_rest := not core.is_live_v1((s.operation).status) or (s.operation).status = 'review';
    end if;
    perform core.idempotency_answer_v1(
        (s.payment).id, v_own, v_rest, coalesce((p -> 'answers' ->> 'status')::int, 201),
        case when v_own is not null and (s.operation).kind = 'refund' then core.refund_view_v1(s.operation) else v_view end);
    v_order := v_order or (s.operation).told is not null;
    if core.match_webhooks_v1(s.operation) then
        update core.operation o set hinted = true
        where o.id = (s.operation).id and (core.is_live_v1(o.status) or o.told is not null);
        v_order := v_order or found;
    end if;
    if v_order then
        perform core.order_v1(p ->> 'order_id', (s.payment).merchant, (s.payment).id);
    elsif p_hinted and not core.payment_waits_v1(s.payment) then
        delete from core.workflow_order o where o.payment_id = (s.payment).id and o.lease_until is null;
    end if;
    if (s.operation).kind = 'authorize' and ((s.operation).had_cvv or (s.payment).carries)
       and ((s.payment).status not in ('processing', 'requires_action') or (s.operation).status = 'approved') then
        if (s.operation).had_cvv then
            delete from vault.cvv c where c.token_id = (s.payment).token_id;
        end if;
        if (s.payment).carries then
            delete from vault.authentication a where a.payment_id = (s.payment).id;
        end if;
    end if;
    return core.progress_answer_v1(s, v_view, v_order or s.wake);
end
$$;
