-- p: {account_id} → {object: "fees", provider_account, fees: [{kind, currency, basis_points, fixed}]}
-- Raises PA404 provider_account_not_found.
create or replace function api.fee_rules_get_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_account core.provider_account;
    v_fees json;
begin
    perform core.tenant_v1(p_merchant);
    v_account := core.provider_account_find_v1(p ->> 'account_id');
    select json_agg(json_build_object('kind', r.kind, 'currency', r.currency, 'basis_points', r.basis_points,
                                      'fixed', r.fixed) order by r.kind, r.currency)
    into v_fees from core.fee_rule r where r.account_id = v_account.id;
    return json_build_object('object', 'fees', 'provider_account', v_account.id, 'fees', coalesce(v_fees, '[]'));
end
$$;
