-- What an approved attempt costs, in minor units of its currency: by the account's fee table for sales, else by the first
-- fitting row of the routing document's `fees`; null where neither says, and for attempts that were not approved.
create or replace function core.attempt_cost_v1(p core.attempt_fact) returns bigint
language sql stable as $$
    select case when p.status = 'approved' then coalesce(
        (select (p.amount * f.basis_points + 5000) / 10000 + f.fixed from core.fee_rule f
         where f.merchant = p.merchant and f.account_id = p.account_id and f.kind = 'sale' and f.currency = p.currency),
        (select (p.amount * (fee.value ->> 'basis_points')::bigint + 5000) / 10000 + (fee.value ->> 'fixed')::bigint
         from core.routing r cross join lateral jsonb_array_elements(r.fees) with ordinality as fee (value, place)
         where r.merchant = p.merchant and fee.value ->> 'provider' in (p.provider, p.account_id)
           and coalesce(fee.value ->> 'brand', p.brand) is not distinct from p.brand
           and coalesce(fee.value ->> 'currency', p.currency) = p.currency
         order by fee.place limit 1)) end
$$;
