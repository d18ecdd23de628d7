-- An operator resolves a review: one commit with the audit of it. What became of an undecided operation is applied as
-- every other outcome is (payment_apply_v1, source operator), so transitions, ledger, events and orders follow the same
-- rules. The epoch is raised first: whoever is looking at the PSP this moment is fenced, though an approval he finds
-- still counts as evidence. Another amount than asked is taken as what was really moved: the operation's amount is
-- corrected before it is applied, and the audit holds both.
-- p: {operation_id, action: approved|declined|absent|look_again|acknowledge, provider_reference?, amount?, evidence,
--     operator, confirmed_by?, origin?, at, event_ids: [5 fresh ids], order_id}
-- → {review: view, payment: view, operation: op view, workflow: bool}
-- Raises PA404 operation_not_found, PA410 review_not_open, PA422 action_not_possible, provider_reference_missing,
-- amount_not_possible, amount_exceeds_authorized, amount_exceeds_captured.
create or replace function api.review_resolve_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_at timestamptz := (p ->> 'at')::timestamptz;
    v_action text := p ->> 'action';
    v_review core.review;
    v_applied json;
    v_before json;
    v_after json;
    s core.progress;
begin
    perform core.tenant_v1(p_merchant);
    s := core.progress_begin_v1(p ->> 'operation_id');
    select * into v_review from core.review r where r.operation_id = p ->> 'operation_id' and r.resolved_at is null;
    if not found then
        perform core.refuse_v1('PA410', 'review_not_open', 'Nothing of this operation waits for an operator.');
    elsif not v_action = any (core.review_actions_v1(s.operation)) then
        perform core.refuse_v1('PA422', 'action_not_possible', format(
            'What can be done about this operation: %s.', array_to_string(core.review_actions_v1(s.operation), ', ')));
    end if;
    v_before := core.review_state_v1(s.payment, s.operation);
    update core.review r
    set resolved_at = v_at, resolution = case v_action when 'acknowledge' then 'acknowledged' else v_action end,
        resolved_by = p ->> 'operator', evidence = p ->> 'evidence'
    where r.id = v_review.id returning * into v_review;
    if v_action <> 'acknowledge' then
        s.operation := core.review_correct_v1(s, p);
        v_applied := api.payment_apply_v1(p_merchant, jsonb_build_object(
            'operation_id', (s.operation).id, 'epoch', (s.operation).epoch,
            'outcome', core.review_outcome_v1(s.operation, p), 'cascade', false, 'at', p ->> 'at',
            'source', 'operator', 'event_ids', p -> 'event_ids', 'order_id', p ->> 'order_id'));
        if v_applied ->> 'result' not in ('applied', 'surplus') then
            perform core.refuse_v1('PA500', 'resolution_without_effect', 'The resolution changed nothing.');
        end if;
    end if;
    s := core.progress_begin_v1(p ->> 'operation_id');
    s.payment.sequence := (s.payment).sequence + 1;
    s.payment.updated_at := v_at;
    if not exists (select from core.review r where r.payment_id = (s.payment).id and r.resolved_at is null) then
        s.payment.review_reason := null;
    end if;
    perform core.save_payment_v1(s.payment);
    perform core.emit_v1(s.payment, core.payment_view_v1(s.payment), s.operation, (s.payment).sequence,
                         p -> 'event_ids' ->> 4, 'payment.review_resolved', v_at);
    v_after := core.review_state_v1(s.payment, s.operation);
    perform core.audit_v1(jsonb_strip_nulls(jsonb_build_object(
        'operator', p ->> 'operator', 'confirmed_by', p ->> 'confirmed_by', 'action', 'review.' || v_action,
        'result', 'done', 'merchant', p_merchant, 'payment_id', (s.payment).id, 'subject', (s.operation).id,
        'why', p ->> 'evidence', 'origin', p ->> 'origin', 'at', p ->> 'at'))
        || jsonb_build_object('before', v_before, 'after', v_after));
    return json_build_object(
        'review', core.review_view_v1(v_review, true), 'payment', core.payment_view_v1(s.payment),
        'operation', core.operation_view_v1(s.operation, 'operation'),
        'workflow', coalesce((v_applied ->> 'workflow')::boolean, false));
end
$$;
