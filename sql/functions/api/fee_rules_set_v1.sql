-- Replace what the account's PSP may keep.
-- p: {account_id, fees: [{kind: sale|refund|chargeback, currency, basis_points, fixed}]} → as fee_rules_get_v1
-- Raises PA404 provider_account_not_found, PA422 fee_repeated.
create or replace function api.fee_rules_set_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_account core.provider_account;
begin
    perform core.tenant_v1(p_merchant);
    v_account := core.provider_account_find_v1(p ->> 'account_id');
    if exists (select from jsonb_to_recordset(p -> 'fees') as f (kind text, currency text)
               group by f.kind, f.currency having count(*) > 1) then
        perform core.refuse_v1('PA422', 'fee_repeated', 'A kind and currency have two fees.');
    end if;
    delete from core.fee_rule r where r.account_id = v_account.id;
    insert into core.fee_rule (merchant, account_id, kind, currency, basis_points, fixed)
    select p_merchant, v_account.id, f.kind, f.currency, f.basis_points, f.fixed
    from jsonb_to_recordset(p -> 'fees') as f (kind text, currency text, basis_points int, fixed bigint);
    return api.fee_rules_get_v1(p_merchant, p);
end
$$;
