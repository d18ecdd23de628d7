-- How attempts went, counted over the days `from` to `to` (UTC, both ends included) and grouped by `by`. An attempt
-- belongs to the day on which it came to rest. Money only per currency; cost by the account's fee table for sales, else
-- by the `fees` of the routing document, as they are now; what neither prices is counted as unpriced.
-- Rates in basis points. `fallbacks`: attempts after another PSP's; `recovered`: those of them that were approved.
-- p: {from, to, by: [provider|provider_account|brand|bin|currency|issuer_country|day, …]}
-- → {data: [{group, attempts, payments, approved, declined, failed, unknowns, approval_rate, declines: {reason: n},
--    fallbacks, recovered, recovered_share, approved_amount: {currency: minor units}, cost: {currency: …}, unpriced}],
--    has_more: false, next_cursor: null}
create or replace function api.routing_report_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_data json;
    v_by text[] := array(select jsonb_array_elements_text(p -> 'by'));
    v_from timestamptz := (p ->> 'from')::date::timestamp at time zone 'UTC';
    v_to timestamptz := ((p ->> 'to')::date + 1)::timestamp at time zone 'UTC';
begin
    perform core.tenant_v1(p_merchant);
    with facts as (
        select f.*, f.status = 'approved' as good, core.attempt_cost_v1(f) as cost,
               jsonb_build_object(
                   'provider', f.provider, 'provider_account', f.account_id, 'brand', f.brand, 'bin', f.bin,
                   'currency', f.currency, 'day', (f.settled_at at time zone 'UTC')::date,
                   'issuer_country', case when 'issuer_country' = any (v_by)
                                          then (core.bin_find_v1(f.bin)).issuer_country end) as all_keys
        from core.attempt_fact f
        where f.merchant = p_merchant and f.settled_at >= v_from and f.settled_at < v_to
    ), keyed as (
        select f.*, array(select f.all_keys ->> b.name from unnest(v_by) with ordinality as b (name, place) order by b.place)
                    as key
        from facts f
    ), reasons as (
        select r.key, jsonb_object_agg(r.reason, r.n) as declines
        from (select k.key, coalesce(k.reason, 'unknown') as reason, count(*) as n
              from keyed k where k.status = 'declined' group by 1, 2) as r
        group by r.key
    ), money as (
        select m.key, jsonb_object_agg(m.currency, m.amount) as amounts,
               coalesce(jsonb_object_agg(m.currency, m.cost) filter (where m.cost is not null), '{}') as costs
        from (select k.key, k.currency, sum(k.amount) as amount, sum(k.cost) as cost
              from keyed k where k.good group by 1, 2) as m
        group by m.key
    ), summed as (
        select k.key, count(*) as attempts, count(distinct k.payment_id) as payments,
               count(*) filter (where k.good) as approved, count(*) filter (where k.status = 'declined') as declined,
               count(*) filter (where k.status in ('not_sent', 'absent')) as failed,
               count(*) filter (where k.unknown) as unknowns, count(*) filter (where k.place > 1) as fallbacks,
               count(*) filter (where k.place > 1 and k.good) as recovered,
               count(*) filter (where k.good and k.cost is null) as unpriced
        from keyed k group by k.key
    )
    select json_agg(json_build_object(
               'group', (select json_object_agg(b.name, s.key[b.place] order by b.place)
                         from unnest(v_by) with ordinality as b (name, place)),
               'attempts', s.attempts, 'payments', s.payments, 'approved', s.approved, 'declined', s.declined,
               'failed', s.failed, 'unknowns', s.unknowns, 'approval_rate', s.approved * 10000 / s.attempts,
               'declines', coalesce(r.declines, '{}'), 'fallbacks', s.fallbacks, 'recovered', s.recovered,
               'recovered_share', s.recovered * 10000 / nullif(s.fallbacks, 0),
               'approved_amount', coalesce(m.amounts, '{}'), 'cost', coalesce(m.costs, '{}'), 'unpriced', s.unpriced)
               order by s.key)
    into v_data
    from summed s left join reasons r using (key) left join money m using (key);
    return json_build_object('data', coalesce(v_data, '[]'), 'has_more', false, 'next_cursor', null);
end
$$;
