-- p: {} → {object: "routing", providers, max_fallbacks, rules, fees, circuit: {failures, pause_s}}; without a routing row:
-- no providers, no fallback
create or replace function api.routing_get_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_row core.routing;
begin
    perform core.tenant_v1(p_merchant);
    select * into v_row from core.routing r where r.merchant = p_merchant;
    return json_build_object('object', 'routing', 'providers', coalesce(v_row.providers, '[]'),
                             'max_fallbacks', coalesce(v_row.max_fallbacks, 0),
                             'rules', coalesce(v_row.rules, '[]'), 'fees', coalesce(v_row.fees, '[]'),
                             'circuit', json_build_object(
                                 'failures', core.circuit_threshold_v1(p_merchant),
                                 'pause_s', extract(epoch from core.circuit_pause_v2(p_merchant))::int));
end
$$;
