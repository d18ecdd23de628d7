-- The operation that a notification is about: by our own id where the PSP echoed it, else by the PSP's reference at
-- this account. Locks its payment, so that a hint can't fall between an apply's read and its write.
create or replace function core.webhook_match_v1(p_account_id text, p_fact jsonb) returns core.operation
language plpgsql as $$
declare
    v_op core.operation;
begin
    select * into v_op from core.operation o where o.id = p_fact ->> 'operation_id' and o.account_id = p_account_id;
    if v_op.id is null then
        select * into v_op from core.operation o
        where o.account_id = p_account_id and o.provider_reference = p_fact ->> 'provider_reference'
        order by core.is_live_v1(o.status) desc,
                 -- A dispute is about the charge, not about a void or capture that bears the same reference.
                 (coalesce(p_fact -> 'dispute', 'null') <> 'null' and o.kind = 'authorize') desc, o.created_real desc limit 1;
    end if;
    if v_op.id is not null then
        perform core.lock_payment_v1(v_op.payment_id);
        select * into v_op from core.operation o where o.id = v_op.id;
    end if;
    return v_op;
end
$$;
