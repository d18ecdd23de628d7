-- Apply a merchant's routing document to one payment: who is asked, in which order, and why. Decides nothing by chance
-- and changes nothing. The same decision as gateway/domain/routing.py.
-- p_facts: as routing_fails_v1 takes them, and payment_id
-- → {route: [account id], rule, by, explored, passed_over: [[rule, condition]],
--    candidates: [{account, provider, rate, fee, circuit_open}]}
create or replace function core.choose_route_v1(
    p_merchant text, p_routing core.routing, p_facts jsonb, p_at timestamptz) returns json
language plpgsql stable as $$
declare
    v_rule jsonb;
    v_each jsonb;
    v_failed text;
    v_passed jsonb := '[]';
    v_by text := 'order';
    v_explored boolean := false;
    v_tried bigint;
    v_candidates json;
    v_route json;
begin
    for v_each in select value from jsonb_array_elements(p_routing.rules) loop
        v_failed := core.routing_fails_v1(coalesce(v_each -> 'when', '{}'), p_facts);
        if v_failed is null then
            v_rule := v_each;
            v_by := coalesce(v_rule ->> 'by', 'order');
            exit;
        end if;
        v_passed := v_passed || jsonb_build_array(jsonb_build_array(v_each ->> 'id', v_failed));
    end loop;
    v_explored := v_by = 'success_rate'
        and core.routing_point_v1(p_facts ->> 'payment_id') < (v_rule ->> 'explore_percent')::int * 100;
    v_tried := core.routing_point_v1(p_facts ->> 'payment_id', 'explore');
    with named (name, place, tier) as (
        select *, 0 from jsonb_array_elements_text(v_rule -> 'providers') with ordinality
        union all
        select *, 1 from jsonb_array_elements_text(p_routing.providers) with ordinality
    ), found as (
        select named.*, account.id, account.provider from named
        cross join lateral (
            select a.id, a.provider from core.provider_account a
            where a.merchant = p_merchant and a.deleted_at is null and (a.id = named.name or a.provider = named.name)
            order by a.id desc limit 1
        ) as account
    ), once as (
        select distinct on (f.id) f.*,
               coalesce((v_rule -> 'shares' ->> f.name)::bigint, 0) as share,
               (row_number() over (partition by f.tier order by f.place)) - 1 as index,
               count(*) over (partition by f.tier) as others
        from found f order by f.id, f.tier, f.place
    ), shared as (
        select o.*, sum(o.share) over (order by o.place) * 10000 as reached, sum(o.share) over () as total
        from once o where o.tier = 0
    ), chosen as (
        select s.id from shared s
        where core.routing_point_v1(p_facts ->> 'payment_id') * s.total < s.reached order by s.place limit 1
    ), judged as (
        select o.*, coalesce(c.open_until > p_at, false) as circuit_open,
            case when v_by = 'success_rate' and o.tier = 0 then (
                select case when coalesce(sum(t.attempts), 0) < greatest((v_rule ->> 'min_attempts')::int, 1) then 10000
                            else sum(t.approved) * 10000 / sum(t.attempts) end
                from core.attempt_tally t
                where t.merchant = p_merchant and t.account_id = o.id
                  and t.bucket > p_at - make_interval(secs => (v_rule ->> 'window_s')::int)
            ) end as rate,
            case when v_by = 'cost' and o.tier = 0 then (
                select ((p_facts ->> 'amount')::bigint * (fee.row ->> 'basis_points')::bigint + 5000) / 10000
                       + (fee.row ->> 'fixed')::bigint
                from jsonb_array_elements(p_routing.fees) with ordinality as fee (row, place)
                where fee.row ->> 'provider' = o.name
                  and coalesce(fee.row ->> 'brand', p_facts ->> 'brand') = p_facts ->> 'brand'
                  and coalesce(fee.row ->> 'currency', p_facts ->> 'currency') = p_facts ->> 'currency'
                order by fee.place limit 1
            ) end as fee
        from once o left join core.circuit c on c.account_id = o.id
    )
    select json_agg(j.id order by j.last, j.place_in_all),
           json_agg(json_build_object('account', j.id, 'provider', j.provider, 'rate', j.rate, 'fee', j.fee,
                                      'circuit_open', j.circuit_open) order by j.last, j.place_in_all),
           v_explored and coalesce(bool_or(j.tier = 0), false)
    into v_route, v_candidates, v_explored
    from (
        select judged.*, judged.circuit_open as last,
               row_number() over (order by judged.tier,
                   v_by = 'split' and judged.tier = 0 and judged.id is distinct from (select chosen.id from chosen)
                       and exists (select from chosen),
                   v_explored and judged.tier = 0 and judged.index <> v_tried % judged.others,
                   judged.tier = 0 and v_by = 'cost' and judged.fee is null, judged.fee, judged.rate desc nulls last,
                   judged.place) as place_in_all
        from judged
    ) as j;
    return json_build_object('route', v_route, 'rule', v_rule ->> 'id', 'by', v_by, 'explored', v_explored,
                             'passed_over', v_passed, 'candidates', v_candidates);
end
$$;
