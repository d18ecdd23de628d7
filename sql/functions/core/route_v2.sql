-- The route of a new payment: account ids in order, the first one's provider, how many fallbacks may follow, and why
-- where there was something to decide. The merchant's document names providers or accounts; a provider means the
-- merchant's newest account there. Without a document: the accounts in order of creation, and no fallback, because
-- nobody asked for one. p: of payment_begin_v1. Raises PA422 no_route.
create or replace function core.route_v2(
    p_merchant text, p jsonb, p_token vault.token, p_at timestamptz,
    out route jsonb, out provider text, out fallbacks int, out why json)
language plpgsql as $$
declare
    v_routing core.routing;
    v_troubled boolean := exists (select from core.circuit c where c.merchant = p_merchant and c.open_until is not null);
begin
    select * into v_routing from core.routing r where r.merchant = p_merchant;
    if not found then
        select jsonb_agg(a.id order by a.id), (array_agg(a.provider order by a.id))[1] into route, provider
        from core.provider_account a where a.merchant = p_merchant and a.deleted_at is null;
        fallbacks := 0;
    elsif v_routing.rules = '[]' and not v_troubled then
        -- The common case, kept cheap: nothing to decide.
        select jsonb_agg(chosen.id order by wanted.place), (array_agg(chosen.provider order by wanted.place))[1]
        into route, provider
        from jsonb_array_elements_text(v_routing.providers) with ordinality as wanted (name, place)
        cross join lateral (
            select a.id, a.provider from core.provider_account a
            where a.merchant = p_merchant and a.deleted_at is null and (a.id = wanted.name or a.provider = wanted.name)
            order by a.id desc limit 1
        ) as chosen;
        fallbacks := v_routing.max_fallbacks;
    else
        why := core.choose_route_v1(p_merchant, v_routing, core.routing_facts_v1(p_merchant, p, p_token), p_at);
        route := why -> 'route';
        provider := why -> 'candidates' -> 0 ->> 'provider';
        fallbacks := v_routing.max_fallbacks;
    end if;
    if route is null or route = 'null' then
        perform core.refuse_v1('PA422', 'no_route', 'No provider account is set up that could take this payment.');
    end if;
    if v_troubled then
        -- Half open: this payment tries the account, the others stay away for another while.
        update core.circuit c set open_until = p_at + core.circuit_pause_v2(p_merchant)
        where c.account_id = route ->> 0 and c.open_until <= p_at;
    end if;
end
$$;
