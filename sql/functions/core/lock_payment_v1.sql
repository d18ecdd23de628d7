-- Take the payment's row lock, which serialises everything of a payment. Raises PA404 for an id that this merchant
-- does not have, another tenant's included.
create or replace function core.lock_payment_v1(p_id text) returns core.payment
language plpgsql as $$
declare
    v_payment core.payment;
begin
    select * into v_payment from core.payment p where p.id = p_id for update;
    if not found then
        perform core.refuse_v1('PA404', 'payment_not_found', 'No such payment.');
    end if;
    return v_payment;
end
$$;
