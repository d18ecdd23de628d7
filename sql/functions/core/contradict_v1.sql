-- The PSP takes back what it had confirmed (a capture or refund that failed after all): what stands stays booked, since
-- only a person can say what is true now, and the payment is alerted. Takes the payment's lock.
create or replace function core.contradict_v1(p_operation_id text, p_event_id text, p_at timestamptz) returns void
language plpgsql as $$
declare
    s core.progress := core.progress_begin_v1(p_operation_id);
begin
    s.payment.updated_at := p_at;
    s := core.to_review_v1(s, 'provider_contradicts');
    s.payment.sequence := (s.payment).sequence + 1;
    perform core.save_payment_v1(s.payment);
    perform core.emit_v1(s.payment, core.payment_view_v1(s.payment), s.operation, (s.payment).sequence, p_event_id,
                         s.events[1], p_at);
end
$$;
