-- Change what is known of a merchant; what p does not name stays, what it names as null is forgotten. Payments from now
-- on are routed by it and sent with it.
-- p: {merchant_id, name?, mcc?, country?} → as merchant_get_v1. Raises PA404 merchant_not_found.
create or replace function sys.merchant_update_v1(p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
begin
    update core.merchant m
    set name = coalesce(p ->> 'name', m.name),
        mcc = case when p ? 'mcc' then p ->> 'mcc' else m.mcc end,
        country = case when p ? 'country' then p ->> 'country' else m.country end
    where m.id = p ->> 'merchant_id';
    return sys.merchant_get_v1(jsonb_build_object('merchant_id', p ->> 'merchant_id'));
end
$$;
