-- What the workflow decides from: SNAPSHOT, times ISO. next = "attempt" when apply decided that a fallback is due.
-- p: {payment_id} → {payment_id, merchant, status, cancel_requested, cascade_until, route_left, fallbacks_left, next,
--    release_at (when an authorization that ran out is released without a notice), operations: [{id, kind, provider, status, epoch, lease_until, created_at, unknown_since, looks, looked_at,
--    absent_since, hinted, told (bool), surplus, captured, reversal_of, reversed_by, provider_reference, had_cvv, cvv_here, cause,
--    resolution (the account's settings.resolution or null)}]}, in order
-- Raises PA404 payment_not_found.
create or replace function api.payment_plan_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_payment core.payment;
    v_cvv boolean;
    v_operations json;
begin
    perform core.tenant_v1(p_merchant);
    select * into v_payment from core.payment where id = p ->> 'payment_id';
    if not found then
        perform core.refuse_v1('PA404', 'payment_not_found', 'No such payment.');
    end if;
    v_cvv := exists (select from vault.cvv c where c.token_id = v_payment.token_id);
    select json_agg(json_build_object(
        'id', o.id, 'kind', o.kind, 'provider', o.provider, 'status', o.status, 'epoch', o.epoch,
        'lease_until', core.iso_v1(o.lease_until), 'created_at', core.iso_v1(o.created_at),
        'unknown_since', core.iso_v1(o.unknown_since), 'looks', o.looks,
        'looked_at', core.iso_v1(o.looked_at), 'absent_since', core.iso_v1(o.absent_since),
        'hinted', o.hinted, 'told', o.told is not null, 'surplus', o.surplus, 'captured', o.captured, 'reversal_of', o.reversal_of,
        'reversed_by', o.reversed_by, 'provider_reference', o.provider_reference, 'had_cvv', o.had_cvv,
        'cvv_here', v_cvv and o.kind = 'authorize', 'cause', o.cause, 'supersedes', o.supersedes,
        'resolution', (select a.settings -> 'resolution' from core.provider_account a where a.id = o.account_id))
        order by o.created_real, o.id)
    into v_operations from core.operation o where o.payment_id = v_payment.id;
    return json_build_object(
        'payment_id', v_payment.id, 'merchant', v_payment.merchant, 'status', v_payment.status,
        'cancel_requested', v_payment.cancel_requested_at is not null,
        'cascade_until', core.iso_v1(v_payment.cascade_until),
        'route_left', jsonb_array_length(v_payment.route) - v_payment.route_next,
        'fallbacks_left', v_payment.fallbacks_left,
        'release_at', (select core.iso_v1(h.release_at) from core.hold h
                       where h.payment_id = v_payment.id and v_payment.status in ('authorized', 'partially_captured')),
        'next', case when v_payment.attempt_due and v_payment.status = 'processing' then 'attempt' end,
        'operations', v_operations);
end
$$;
