-- The timeline's lines of the merchant's requests that changed a payment: by their idempotency keys, which are not shown,
-- else by what they began.
create or replace function core.timeline_calls_v1(p_payment core.payment)
returns table (at timestamptz, rank int, source text, what text, operation text, trace text, details jsonb)
language plpgsql stable as $$
begin
    return query
        select i.created_at, 1, 'api', i.scope, i.operation_id, null::text, jsonb_build_object(
            'idempotency_key', true, 'state', i.state, 'status', i.status)
        from core.idempotency i where i.merchant = p_payment.merchant and i.payment_id = p_payment.id;
    return query
        select o.created_at, 1, 'api', case o.kind
                   when 'authorize' then 'POST /v1/payments'
                   when 'refund' then 'POST /v1/refunds'
                   else 'POST /v1/payments/' || o.payment_id || case o.kind when 'void' then '/cancel' else '/capture' end
               end, o.id, null::text, '{"idempotency_key": false}'::jsonb
        from core.operation o
        where o.payment_id = p_payment.id and o.reversal_of is null
          and (o.kind <> 'authorize' or o.created_at = p_payment.created_at)
          and not exists (select from core.idempotency i
                          where i.merchant = o.merchant and i.payment_id = o.payment_id
                            and coalesce(i.operation_id = o.id, o.kind = 'authorize'));
end
$$;
