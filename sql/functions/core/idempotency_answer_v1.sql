-- Close the idempotency rows of what was just answered: frozen with these very bytes once it is at rest, else open.
-- p_operation_id null: the rows whose answer is the payment itself.
create or replace function core.idempotency_answer_v1(
    p_payment_id text, p_operation_id text, p_at_rest boolean, p_status int, p_body json) returns void
language plpgsql as $$
begin
    if p_at_rest then
        update core.idempotency i set state = 'frozen', status = p_status, body = p_body
        where i.payment_id = p_payment_id and i.operation_id is not distinct from p_operation_id
          and i.state <> 'frozen';
    else
        update core.idempotency i set state = 'open'
        where i.payment_id = p_payment_id and i.operation_id is not distinct from p_operation_id
          and i.state = 'in_flight';
    end if;
end
$$;
