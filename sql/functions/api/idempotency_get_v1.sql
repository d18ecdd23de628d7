-- What came of an idempotency key so far.
-- p: {scope, key} → {state, status?, body?, payment_id?} or null if the key was never used
create or replace function api.idempotency_get_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_row core.idempotency;
begin
    perform core.tenant_v1(p_merchant);
    select * into v_row from core.idempotency i
    where i.merchant = p_merchant and i.scope = p ->> 'scope' and i.key = p ->> 'key';
    if not found then
        return null;
    end if;
    return json_build_object('state', v_row.state, 'status', v_row.status, 'body', v_row.body,
                             'payment_id', v_row.payment_id, 'operation_id', v_row.operation_id);
end
$$;
