-- One step of a dispute: its new status, what follows from it for the payment's `amount_disputed`, and the event. `p_status`
-- null: the money moved and the status stays. Saves both rows.
create or replace function core.dispute_step_v1(
    s core.dispute_progress, p_status text, p_event_id text, p_at timestamptz) returns core.dispute_progress
language plpgsql as $$
declare
    d core.dispute := s.dispute;
    v_payment core.payment := s.payment;
    v_type text := 'dispute.updated';
begin
    if p_status is not null then
        select t.event into v_type from core.dispute_transition t
        where t.from_status = coalesce(d.status, 'new') and t.to_status = p_status;
        d.status := p_status;
        d.closed_at := case when p_status in ('won', 'lost', 'accepted', 'closed') then d.told_at end;
    end if;
    select coalesce(sum(o.amount), 0) into v_payment.amount_disputed from core.dispute o
    where o.payment_id = v_payment.id and o.id <> d.id and core.dispute_at_risk_v1(o.status);
    if core.dispute_at_risk_v1(d.status) then
        v_payment.amount_disputed := v_payment.amount_disputed + d.amount;
    end if;
    d.updated_at := p_at;
    v_payment.updated_at := p_at;
    v_payment.sequence := v_payment.sequence + 1;
    s.payment := v_payment;
    s.dispute := d;
    perform core.dispute_save_v1(s);
    perform core.dispute_emit_v1(v_payment, d, p_event_id, v_type, p_at);
    return s;
end
$$;
