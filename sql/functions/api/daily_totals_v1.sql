-- What happened per day, currency and type of event, as reporting has counted it. Days are UTC, both ends included.
-- p: {from, to} → {data: [{day, currency, type, count, amount}], has_more: false, next_cursor: null}
create or replace function api.daily_totals_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_data json;
begin
    perform core.tenant_v1(p_merchant);
    select json_agg(json_build_object('day', t.day, 'currency', t.currency, 'type', t.type, 'count', t.count,
                                      'amount', t.amount) order by t.day, t.currency, t.type)
    into v_data from core.daily_total t
    where t.merchant = p_merchant and t.day between (p ->> 'from')::date and (p ->> 'to')::date;
    return json_build_object('data', coalesce(v_data, '[]'), 'has_more', false, 'next_cursor', null);
end
$$;
