-- An operator has a payment's workflow started or woken: the plan then follows from what the database says, so it can
-- hurt nothing. p: {payment_id, order_id, operator, why, origin?, at} → {payment_id, merchant, status}
-- Raises PA404 payment_not_found.
create or replace function sys.payment_wake_v1(p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_payment core.payment;
begin
    select * into v_payment from core.payment x where x.id = p ->> 'payment_id';
    if not found then
        perform core.refuse_v1('PA404', 'payment_not_found', 'No such payment.');
    end if;
    perform core.order_v1(p ->> 'order_id', v_payment.merchant, v_payment.id);
    perform core.audit_v1(jsonb_strip_nulls(jsonb_build_object(
        'operator', p ->> 'operator', 'action', 'payment.wake', 'result', 'done', 'merchant', v_payment.merchant,
        'payment_id', v_payment.id, 'subject', v_payment.id, 'why', p ->> 'why', 'origin', p ->> 'origin',
        'at', p ->> 'at')));
    return json_build_object('id', v_payment.id, 'object', 'payment', 'merchant', v_payment.merchant,
                             'status', v_payment.status);
end
$$;
