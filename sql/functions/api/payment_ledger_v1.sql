-- The ledger transactions of a payment, oldest first.
-- p: {payment_id} → {data: [{id, kind, operation, at, hash, previous_hash, lines: [{account, amount, currency}]}]}
-- Raises PA404 payment_not_found.
create or replace function api.payment_ledger_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_data json;
begin
    perform core.tenant_v1(p_merchant);
    perform 1 from core.payment where id = p ->> 'payment_id';
    if not found then
        perform core.refuse_v1('PA404', 'payment_not_found', 'No such payment.');
    end if;
    select json_agg(json_build_object(
        'id', t.id, 'kind', t.kind, 'operation', t.operation_id, 'at', core.iso_v1(t.at), 'hash', t.hash,
        'previous_hash', t.previous_hash,
        'lines', (select json_agg(json_build_object('account', l.account, 'amount', l.amount, 'currency', l.currency)
                                  order by l.line)
                  from core.ledger_line l where l.transaction_id = t.id)) order by t.position)
    into v_data from core.ledger_transaction t where t.payment_id = p ->> 'payment_id';
    return json_build_object('data', coalesce(v_data, '[]'), 'has_more', false, 'next_cursor', null);
end
$$;
