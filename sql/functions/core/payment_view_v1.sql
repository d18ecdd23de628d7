-- The payment as the API shows it, keys in the documented order.
create or replace function core.payment_view_v1(p core.payment) returns json
language plpgsql stable as $$
declare
    v_expires text;
begin
    if p.status in ('authorized', 'partially_captured') then
        -- A statement of its own: with a query inside, the expression below would be planned and run as one each time.
        select core.iso_v1(h.expires_at) into v_expires from core.hold h where h.payment_id = p.id;
    end if;
    return json_build_object(
        'id', p.id, 'object', 'payment', 'status', p.status, 'amount', p.amount, 'currency', p.currency,
        'capture_method', p.capture_method, 'amount_authorized', p.amount_authorized,
        'amount_captured', p.amount_captured, 'amount_refunded', p.amount_refunded, 'provider', p.provider,
        'card', p.card, 'token', p.token_id, 'decline', p.decline, 'reference', p.reference,
        'description', p.description, 'metadata', p.metadata,
        'cancel_requested', p.cancel_requested_at is not null, 'review_reason', p.review_reason,
        'created_at', core.iso_v1(p.created_at), 'updated_at', core.iso_v1(p.updated_at),
        'amount_disputed', p.amount_disputed, 'authorization_expires_at', v_expires,
        'cancellation_reason', case when p.status = 'canceled'
                                    then coalesce(p.cancellation_reason, 'requested_by_merchant') end);
end
$$;
