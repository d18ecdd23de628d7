-- Record that an undecided payment is to be canceled. Nothing live and nothing to take back: it is canceled now; else
-- the workflow is ordered, and the answer of the idempotent request stays open until the payment rests.
-- p is the p of cancel_begin_v1. Returns the payment's view.
create or replace function core.cancel_record_v1(p_payment core.payment, p jsonb, p_at timestamptz) returns json
language plpgsql as $$
declare
    v_now boolean := not exists (
        select from core.operation o
        where o.payment_id = p_payment.id
          and (core.is_live_v1(o.status) or o.kind = 'authorize' and o.status = 'approved'));
    v_view json;
begin
    p_payment.cancel_requested_at := coalesce(p_payment.cancel_requested_at, p_at);
    p_payment.updated_at := p_at;
    if v_now then
        p_payment := core.end_attempts_v1(p_payment, null);
        p_payment.sequence := p_payment.sequence + 1;
        delete from vault.cvv c where c.token_id = p_payment.token_id;
        delete from vault.authentication a where a.payment_id = p_payment.id;
    end if;
    perform core.save_payment_v1(p_payment);
    v_view := core.payment_view_v1(p_payment);
    if v_now then
        perform core.emit_v1(p_payment, v_view, null, p_payment.sequence, p ->> 'event_id', 'payment.canceled', p_at);
    else
        perform core.order_v1(null, p_payment.merchant, p_payment.id);
    end if;
    -- Its answer is the payment itself, whenever that comes to rest.
    update core.idempotency i set operation_id = null
    where i.payment_id = p_payment.id and i.operation_id = p ->> 'operation_id';
    perform core.idempotency_answer_v1(p_payment.id, null, v_now, 201, v_view);
    return v_view;
end
$$;
