-- What the routing document would do with a payment, and why. Nothing is begun, and no circuit is tried.
-- p: {payment_id, amount, currency, brand, bin, metadata?, at} → as choose_route_v1, and {object: "routing_decision",
--    facts, max_fallbacks, circuits: those of the candidates that fail, as circuit_list_v1}. Raises PA422 no_route.
create or replace function api.routing_simulate_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_routing core.routing;
    v_token vault.token;
    v_facts jsonb;
    v_choice json;
begin
    perform core.tenant_v1(p_merchant);
    select * into v_routing from core.routing r where r.merchant = p_merchant;
    if not found then
        select p_merchant, jsonb_agg(a.id order by a.id), 0, '[]', '[]'
        into v_routing.merchant, v_routing.providers, v_routing.max_fallbacks, v_routing.rules, v_routing.fees
        from core.provider_account a where a.merchant = p_merchant and a.deleted_at is null;
    end if;
    v_token.brand := p ->> 'brand';
    v_token.bin := p ->> 'bin';
    v_facts := core.routing_facts_v1(p_merchant, p, v_token);
    v_choice := core.choose_route_v1(p_merchant, v_routing, v_facts, (p ->> 'at')::timestamptz);
    if json_typeof(v_choice -> 'route') = 'null' then
        perform core.refuse_v1('PA422', 'no_route', 'No provider account is set up that could take this payment.');
    end if;
    return json_build_object(
        'object', 'routing_decision', 'rule', v_choice -> 'rule', 'by', v_choice -> 'by',
        'explored', v_choice -> 'explored', 'passed_over', v_choice -> 'passed_over',
        'candidates', v_choice -> 'candidates', 'max_fallbacks', v_routing.max_fallbacks, 'facts', v_facts,
        'circuits', coalesce(
            (select json_agg(core.circuit_view_v1(a, (p ->> 'at')::timestamptz) order by wanted.place)
             from json_array_elements_text(v_choice -> 'route') with ordinality as wanted (id, place)
             join core.provider_account a on a.id = wanted.id join core.circuit c on c.account_id = a.id), '[]'));
end
$$;
