-- The OUTCOME that an operator's action stands for. p: as review_resolve_v1 takes it.
create or replace function core.review_outcome_v1(p_op core.operation, p jsonb) returns jsonb
language plpgsql stable as $$
begin
    case p ->> 'action'
        when 'approved' then
            if coalesce(p ->> 'provider_reference', p_op.provider_reference) is null and p_op.kind = 'authorize' then
                perform core.refuse_v1('PA422', 'provider_reference_missing',
                                       'Give the PSP''s own id of the approval: captures and refunds need it.');
            end if;
            return jsonb_strip_nulls(jsonb_build_object(
                'kind', 'approved', 'provider_reference', p ->> 'provider_reference', 'amount', p_op.amount,
                'currency', p_op.currency, 'captured', p_op.kind = 'authorize' and p_op.capture));
        when 'declined' then
            return jsonb_strip_nulls(jsonb_build_object(
                'kind', 'declined', 'reason', 'generic_decline', 'advice', 'none',
                'provider_reference', p ->> 'provider_reference'));
        when 'absent' then
            return '{"kind": "absent"}';
        else  -- look_again
            return '{"kind": "unknown"}';
    end case;
end
$$;
