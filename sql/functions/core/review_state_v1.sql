-- What an operator's resolution may change, before or after it, for the audit.
create or replace function core.review_state_v1(p_payment core.payment, p_op core.operation) returns json
language sql stable as $$
    select json_build_object(
        'payment', json_build_object(
            'status', p_payment.status, 'amount_authorized', p_payment.amount_authorized,
            'amount_captured', p_payment.amount_captured, 'amount_refunded', p_payment.amount_refunded,
            'review_reason', p_payment.review_reason),
        'operation', json_build_object(
            'status', p_op.status, 'amount', p_op.amount, 'currency', p_op.currency, 'surplus', p_op.surplus,
            'provider_reference', p_op.provider_reference))
$$;
