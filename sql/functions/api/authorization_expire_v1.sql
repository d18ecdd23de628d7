-- Release what an authorization held that ran out, where the PSP's own notice did not come: the PSP has let go of it,
-- so nothing is sent. Nothing happens while any operation of the payment is undecided.
-- p: {payment_id, at, event_ids: [..], order_id} → {result: "applied" | "refused", payment: view}
-- Raises PA404 payment_not_found.
create or replace function api.authorization_expire_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_at timestamptz := (p ->> 'at')::timestamptz;
    v_payment core.payment;
    v_hold core.hold;
    v_view json;
    s core.progress;
begin
    perform core.tenant_v1(p_merchant);
    v_payment := core.lock_payment_v1(p ->> 'payment_id');
    select * into v_hold from core.hold h where h.payment_id = v_payment.id;
    if v_payment.status not in ('authorized', 'partially_captured') then
        delete from core.hold h where h.payment_id = v_payment.id;
        return json_build_object('result', 'refused', 'payment', core.payment_view_v1(v_payment));
    elsif v_hold.release_at is null or v_hold.release_at > v_at or exists (
            select from core.operation o where o.payment_id = v_payment.id and core.is_live_v1(o.status)) then
        return json_build_object('result', 'refused', 'payment', core.payment_view_v1(v_payment));
    end if;
    s := core.progress_begin_v1(v_payment.winner);
    s.payment.updated_at := v_at;
    s := core.release_v1(s);
    s.payment.sequence := (s.payment).sequence + 1;
    perform core.save_payment_v1(s.payment);
    v_view := core.payment_view_v1(s.payment);
    perform core.emit_v1(s.payment, v_view, s.operation, (s.payment).sequence, p -> 'event_ids' ->> 0, s.events[1], v_at);
    return json_build_object('result', 'applied', 'payment', v_view);
end
$$;
