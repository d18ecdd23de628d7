-- The route of a new payment: account ids in order, the first one's provider, and how many fallbacks may follow. The
-- merchant's routing row names providers or accounts in order; a provider means the merchant's newest account there.
-- Without a routing row: the accounts in order of creation, and no fallback, because nobody asked for one.
create or replace function core.route_v1(p_merchant text, out route jsonb, out provider text, out fallbacks int)
language plpgsql stable as $$
declare
    v_routing core.routing;
begin
    select * into v_routing from core.routing r where r.merchant = p_merchant;
    if found then
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
        select jsonb_agg(a.id order by a.id), (array_agg(a.provider order by a.id))[1] into route, provider
        from core.provider_account a where a.merchant = p_merchant and a.deleted_at is null;
        fallbacks := 0;
    end if;
    if route is null then
        perform core.refuse_v1('PA422', 'no_route', 'No provider account is set up that could take this payment.');
    end if;
end
$$;
