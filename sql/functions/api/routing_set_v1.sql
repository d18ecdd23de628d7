-- p: {providers: [provider slug or account id, …], max_fallbacks, rules?, fees?, circuit?: {failures, pause_s}, at?} →
--    {object: "routing", providers, max_fallbacks, rules, fees, circuit}. The caller has checked the shape of rules and
--    fees. Raises PA422 provider_account_not_found for an entry that names no account of this merchant.
create or replace function api.routing_set_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_unknown text;
begin
    perform core.tenant_v1(p_merchant);
    select wanted.name into v_unknown from (
        select * from jsonb_array_elements_text(p -> 'providers')
        union all
        select jsonb_array_elements_text(r.rule -> 'providers') from jsonb_array_elements(p -> 'rules') as r (rule)
    ) as wanted (name)
    where not exists (select from core.provider_account a
                      where a.deleted_at is null and (a.id = wanted.name or a.provider = wanted.name)) limit 1;
    if found then
        perform core.refuse_v1('PA422', 'provider_account_not_found',
                               format('There is no provider account for %s.', v_unknown));
    end if;
    insert into core.routing as r (merchant, providers, max_fallbacks, rules, fees, circuit, updated_at)
    values (p_merchant, p -> 'providers', coalesce((p ->> 'max_fallbacks')::int, 1), coalesce(p -> 'rules', '[]'),
            coalesce(p -> 'fees', '[]'), nullif(p -> 'circuit', 'null'),
            coalesce((p ->> 'at')::timestamptz, clock_timestamp()))
    on conflict (merchant) do update set providers = excluded.providers, max_fallbacks = excluded.max_fallbacks,
        rules = excluded.rules, fees = excluded.fees, circuit = excluded.circuit, updated_at = excluded.updated_at;
    return api.routing_get_v1(p_merchant, '{}');
end
$$;
