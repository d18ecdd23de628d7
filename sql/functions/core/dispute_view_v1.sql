-- A dispute as the API shows it. `amount_withdrawn` is what the bank has now; `history` is every notice, applied or not.
create or replace function core.dispute_view_v1(p core.dispute) returns json
language plpgsql stable as $$
begin
    return json_build_object(
        'id', p.id, 'object', 'dispute', 'payment', p.payment_id, 'operation', p.operation_id, 'status', p.status,
        'reason', p.reason, 'network_code', p.network_code, 'amount', p.amount, 'currency', p.currency,
        'amount_withdrawn', p.amount_withdrawn, 'fee', p.fee, 'provider', p.provider, 'provider_account', p.account_id,
        'provider_reference', p.provider_reference, 'evidence_due_at', core.iso_v1(p.evidence_due_at),
        'evidence_sent_at', core.iso_v1(p.evidence_sent_at),
        'accept_requested_at', core.iso_v1(p.accept_requested_at), 'history', p.history,
        'opened_at', core.iso_v1(p.opened_at), 'updated_at', core.iso_v1(p.updated_at),
        'closed_at', core.iso_v1(p.closed_at));
end
$$;
