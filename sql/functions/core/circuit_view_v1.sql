-- The circuit of an account as the API shows it.
create or replace function core.circuit_view_v1(p_account core.provider_account, p_at timestamptz) returns json
language plpgsql stable as $$
declare
    v_row core.circuit;
begin
    select * into v_row from core.circuit c where c.account_id = p_account.id;
    return json_build_object(
        'object', 'circuit', 'provider', p_account.provider, 'provider_account', p_account.id,
        'state', case when v_row.open_until is null then 'closed'
                      when v_row.open_until > p_at then 'open' else 'half_open' end,
        'failures', coalesce(v_row.failures, 0), 'threshold', core.circuit_threshold_v1(p_account.merchant),
        'open_until', core.iso_v1(v_row.open_until));
end
$$;
