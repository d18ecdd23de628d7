-- A review as the API shows it. p_operator: whether an operator reads it, who may know which operator resolved it.
create or replace function core.review_view_v1(p core.review, p_operator boolean) returns json
language plpgsql stable as $$
declare
    v_op core.operation;
begin
    select * into strict v_op from core.operation o where o.id = p.operation_id;
    return json_build_object(
        'id', p.id, 'object', 'review', 'status', case when p.resolved_at is null then 'open' else 'resolved' end,
        'merchant', p.merchant, 'payment', p.payment_id, 'operation', p.operation_id, 'kind', v_op.kind,
        'provider', v_op.provider, 'provider_account', v_op.account_id, 'amount', v_op.amount,
        'currency', v_op.currency, 'reason', p.reason, 'opened_at', core.iso_v1(p.opened_at),
        'known', json_build_object(
            'status', v_op.status, 'outcomes', v_op.outcomes, 'looks', v_op.looks,
            'looked_at', core.iso_v1(v_op.looked_at), 'unknown_since', core.iso_v1(v_op.unknown_since),
            'absent_since', core.iso_v1(v_op.absent_since), 'provider_reference', v_op.provider_reference,
            'parent_reference', v_op.parent_reference, 'cause', v_op.cause, 'provider_code', v_op.provider_code,
            'message', v_op.message, 'reversal_of', v_op.reversal_of),
        'actions', case when p.resolved_at is null then core.review_actions_v1(v_op) else array[]::text[] end,
        'resolved_at', core.iso_v1(p.resolved_at), 'resolution', p.resolution,
        'resolved_by', case when p_operator then p.resolved_by end, 'evidence', p.evidence);
end
$$;
