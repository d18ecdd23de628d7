-- p: {payment_id} → payment view. Raises PA404 payment_not_found.
create or replace function api.payment_get_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_payment core.payment;
begin
    perform core.tenant_v1(p_merchant);
    select * into v_payment from core.payment where id = p ->> 'payment_id';
    if not found then
        perform core.refuse_v1('PA404', 'payment_not_found', 'No such payment.');
    end if;
    return core.payment_view_v1(v_payment);
end
$$;
