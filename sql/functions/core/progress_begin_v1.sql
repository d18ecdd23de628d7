-- Lock the payment of an operation and read both. Raises PA404 operation_not_found.
create or replace function core.progress_begin_v1(p_operation_id text) returns core.progress
language plpgsql as $$
declare
    s core.progress;
    v_payment core.payment;
    v_operation core.operation;
begin
    select p.* into v_payment from core.payment p
    where p.id = (select o.payment_id from core.operation o where o.id = p_operation_id) for update;
    if not found then
        perform core.refuse_v1('PA404', 'operation_not_found', 'No such operation.');
    end if;
    s.payment := v_payment;
    select * into v_operation from core.operation o where o.id = p_operation_id;  -- again, under the lock
    s.operation := v_operation;
    s.events := '{}';
    s.wake := false;
    s.result := 'applied';
    return s;
end
$$;
