-- A refund as the API shows it. `reason` is the merchant's, `failure` what the PSP said when it refused.
create or replace function core.refund_view_v1(p core.operation) returns json
language plpgsql stable as $$
begin
    return json_build_object(
        'id', p.id, 'object', 'refund', 'payment', p.payment_id, 'amount', p.amount, 'currency', p.currency,
        'status', core.refund_status_v1(p.status), 'reason', p.merchant_reason, 'provider', p.provider,
        'provider_reference', p.provider_reference,
        'failure', case when p.status in ('declined', 'reversed')
                        then json_build_object('reason', p.reason, 'provider_code', p.provider_code, 'message', p.message)
                   end,
        'metadata', p.metadata, 'created_at', core.iso_v1(p.created_at), 'settled_at', core.iso_v1(p.settled_at));
end
$$;
