-- One payment as a list in order of time, from everything that is stored of it: the merchant's requests, operations with
-- all that was learned of them, PSPs' notifications, the ledger, events and their way to the merchant, orders for the
-- workflow, reviews and, for an operator, what operators did. No card data and no key is in it. `trace` is the trace in
-- which it happened.
-- p: {payment_id, operator?: bool} → {payment, object: "timeline", data: [{at, source, what, operation, trace, details}]};
-- source: api, gateway, psp, ledger, event, webhook, workflow, review, operator. Raises PA404 payment_not_found.
create or replace function api.payment_timeline_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_payment core.payment;
    v_operator boolean := coalesce((p ->> 'operator')::boolean, false);
    v_data json;
begin
    perform core.tenant_v1(p_merchant);
    select * into v_payment from core.payment x where x.id = p ->> 'payment_id';
    if not found then
        perform core.refuse_v1('PA404', 'payment_not_found', 'No such payment.');
    end if;
    with line as (
        select * from core.timeline_calls_v1(v_payment)
        union all
        select l.* from core.operation o cross join lateral core.timeline_operations_v1(o) as l
        where o.payment_id = v_payment.id
        union all
        select w.received_at, 2, 'psp', w.event_type, w.operation_id, null, jsonb_build_object(
            'provider_account', w.account_id, 'notification', w.event_id, 'provider_reference', w.provider_reference,
            'told', w.outcome ->> 'kind')
        from core.webhook_inbox w where w.payment_id = v_payment.id
        union all
        select t.at, 4, 'ledger', t.kind, t.operation_id, null, jsonb_build_object(
            'transaction', t.id, 'lines', (
                select jsonb_agg(jsonb_build_object('account', l.account, 'amount', l.amount, 'currency', l.currency)
                                 order by l.line) from core.ledger_line l where l.transaction_id = t.id))
        from core.ledger_transaction t where t.payment_id = v_payment.id
        union all
        select e.at, 5, 'event', e.type, e.event -> 'data' -> 'operation' ->> 'id',
               nullif(split_part(e.traceparent, '-', 2), ''), jsonb_build_object('event', e.id, 'sequence', e.sequence)
        from core.event e where e.payment_id = v_payment.id
        union all
        select (h ->> 'at')::timestamptz, 6, 'webhook', d.event_type, null, null,
               h - 'at' || jsonb_build_object('delivery', d.id, 'endpoint', d.endpoint_id, 'event', d.event_id)
        from core.event e
        join core.delivery d on d.merchant = e.merchant and d.id > 'del_' || right(e.id, 26) || '_'
                                and d.id < 'del_' || right(e.id, 26) || '`'  -- as delivery_plan_v1 names them
        cross join lateral jsonb_array_elements(d.history) as h
        where e.payment_id = v_payment.id
        union all
        select w.ordered_at, 6, 'workflow', 'ordered', null, w.trace_id, jsonb_build_object('order', w.order_id)
        from core.workflow_wake w where w.payment_id = v_payment.id
        union all
        select w.acknowledged_at, 7, 'workflow', 'woken', null, w.trace_id, jsonb_build_object('order', w.order_id)
        from core.workflow_wake w where w.payment_id = v_payment.id
        union all
        select o.created_real, 6, 'workflow', 'ordered', null, nullif(split_part(o.traceparent, '-', 2), ''),
               jsonb_build_object('order', o.id, 'not_before', core.iso_v1(o.not_before))
        from core.workflow_order o where o.payment_id = v_payment.id
        union all
        select r.opened_at, 6, 'review', 'opened', r.operation_id, null, jsonb_build_object('reason', r.reason)
        from core.review r where r.payment_id = v_payment.id
        union all
        select r.resolved_at, 7, 'review', 'resolved', r.operation_id, null, jsonb_build_object(
            'reason', r.reason, 'resolution', r.resolution, 'evidence', r.evidence)
        from core.review r where r.payment_id = v_payment.id and r.resolved_at is not null
        union all
        select a.at, 1, 'operator', a.action, a.subject, a.trace_id, jsonb_build_object(
            'operator', a.operator, 'confirmed_by', a.confirmed_by, 'result', a.result, 'why', a.why)
        from core.audit a where v_operator and a.payment_id = v_payment.id
    )
    select json_agg(core.timeline_entry_v1(l.at, l.rank, l.source, l.what, l.operation, l.trace, l.details)
                    order by l.at, l.rank, (l.details ->> 'sequence')::int nulls first, l.source, l.what)
    into v_data from line l;
    return json_build_object('payment', v_payment.id, 'object', 'timeline', 'data', coalesce(v_data, '[]'));
end
$$;
