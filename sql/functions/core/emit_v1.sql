-- Write one event and put it in the outbox, in the commit that makes it true. The sequence was assigned by the caller
-- under the payment's lock. p_operation may be null (payment.created, payment.canceled between attempts).
-- The event that ends an authorization tells of its attempts.
create or replace function core.emit_v1(
    p_payment core.payment, p_view json, p_operation core.operation, p_sequence int, p_id text, p_type text,
    p_at timestamptz) returns void
language plpgsql as $$
declare
    v_attempts json;
    v_operation json;
    v_data json;
begin
    if p_id is null then
        perform core.refuse_v1('PA500', 'event_id_missing', 'Too few event ids were given.');
    end if;
    v_attempts := core.attempts_told_v1(p_type, p_payment, p_operation);
    if p_operation.id is not null then
        v_operation := json_build_object('id', p_operation.id, 'kind', p_operation.kind,
                                         'provider', p_operation.provider, 'amount', p_operation.amount);
    end if;
    v_data := case
        when p_type like 'refund.%' then json_build_object(
            'payment', p_view, 'refund', core.refund_view_v1(p_operation), 'operation', v_operation)
        when v_attempts is not null and v_operation is not null then json_build_object(
            'payment', p_view, 'operation', v_operation, 'attempts', v_attempts)
        when v_attempts is not null then json_build_object('payment', p_view, 'attempts', v_attempts)
        when v_operation is not null then json_build_object('payment', p_view, 'operation', v_operation)
        else json_build_object('payment', p_view) end;
    with written as (
        insert into core.event (id, merchant, payment_id, sequence, type, at, event)
        values (p_id, p_payment.merchant, p_payment.id, p_sequence, p_type, p_at, json_build_object(
            'specversion', '1.0', 'id', p_id, 'source', 'payera/gateway', 'type', p_type, 'subject', p_payment.id,
            'time', core.iso_v1(p_at), 'datacontenttype', 'application/json', 'merchant', p_payment.merchant,
            'sequence', p_sequence, 'data', v_data))
        returning position
    )
    insert into core.outbox (position, payment_id) select w.position, p_payment.id from written w;
    perform pg_notify('payera_outbox', '');
end
$$;
