-- The answer of apply and review.
create or replace function core.progress_answer_v1(s core.progress, p_view json, p_workflow boolean) returns json
language plpgsql stable as $$
begin
    if (s.operation).kind = 'refund' and (s.operation).reversal_of is null then
        return json_build_object(
            'result', s.result, 'payment', p_view, 'operation', core.operation_view_v1(s.operation, 'operation'),
            'refund', core.refund_view_v1(s.operation), 'workflow', p_workflow);
    end if;
    return json_build_object(
        'result', s.result, 'payment', p_view, 'operation', core.operation_view_v1(s.operation, 'operation'),
        'workflow', p_workflow);
end
$$;
