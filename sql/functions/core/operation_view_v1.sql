-- An operation as the API shows it. p_object 'attempt' leaves the kind out, which is authorize for all of them.
create or replace function core.operation_view_v1(p core.operation, p_object text) returns json
language plpgsql stable as $$
begin
    if p_object = 'attempt' then
        return json_build_object(
            'id', p.id, 'object', 'attempt', 'payment', p.payment_id, 'provider', p.provider,
            'provider_account', p.account_id, 'status', p.status, 'outcomes', p.outcomes, 'amount', p.amount,
            'currency', p.currency, 'provider_reference', p.provider_reference, 'reason', p.reason,
            'provider_code', p.provider_code, 'network_code', p.network_code, 'surplus', p.surplus,
            'created_at', core.iso_v1(p.created_at), 'settled_at', core.iso_v1(p.settled_at),
            'network_transaction_id', p.network_transaction_id);
    end if;
    return json_build_object(
        'id', p.id, 'object', p_object, 'kind', p.kind, 'payment', p.payment_id, 'provider', p.provider,
        'provider_account', p.account_id, 'status', p.status, 'outcomes', p.outcomes, 'amount', p.amount,
        'currency', p.currency, 'provider_reference', p.provider_reference, 'reason', p.reason,
        'provider_code', p.provider_code, 'network_code', p.network_code, 'surplus', p.surplus,
        'reversal_of', p.reversal_of, 'reversed_by', p.reversed_by,
        'created_at', core.iso_v1(p.created_at), 'settled_at', core.iso_v1(p.settled_at),
        'supersedes', p.supersedes, 'superseded_by', p.superseded_by,
        'network_transaction_id', p.network_transaction_id);
end
$$;
