-- The circuit of every account of the merchant. `closed`: asked as usual; `open`: asked last until `open_until`;
-- `half_open`: the pause is over, and the next payment that would ask it tries whether it works again.
-- p: {at} → {data: [{object: "circuit", provider, provider_account, state, failures, threshold, open_until}], has_more,
--    next_cursor}
create or replace function api.circuit_list_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_data json;
begin
    perform core.tenant_v1(p_merchant);
    select json_agg(core.circuit_view_v1(a, (p ->> 'at')::timestamptz) order by a.provider, a.id)
    into v_data from core.provider_account a where a.merchant = p_merchant and a.deleted_at is null;
    return json_build_object('data', coalesce(v_data, '[]'), 'has_more', false, 'next_cursor', null);
end
$$;
