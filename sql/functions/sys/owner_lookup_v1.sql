-- Whose a payment or an operation is: an operator knows ids, not merchants.
-- p: {payment_id} or {operation_id} → {merchant, payment_id} or null
create or replace function sys.owner_lookup_v1(p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_answer json;
begin
    if p ? 'operation_id' then
        select json_build_object('merchant', o.merchant, 'payment_id', o.payment_id) into v_answer
        from core.operation o where o.id = p ->> 'operation_id';
    else
        select json_build_object('merchant', x.merchant, 'payment_id', x.id) into v_answer
        from core.payment x where x.id = p ->> 'payment_id';
    end if;
    return v_answer;
end
$$;
