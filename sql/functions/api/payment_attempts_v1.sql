-- The attempts of a payment, in the order in which they were begun.
-- p: {payment_id} → {data: [attempt view], has_more: false, next_cursor: null}. Raises PA404 payment_not_found.
create or replace function api.payment_attempts_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_views json[];
begin
    perform core.tenant_v1(p_merchant);
    perform 1 from core.payment where id = p ->> 'payment_id';
    if not found then
        perform core.refuse_v1('PA404', 'payment_not_found', 'No such payment.');
    end if;
    select array_agg(core.operation_view_v1(o, 'attempt') order by o.created_real, o.id) into v_views
    from core.operation o where o.payment_id = p ->> 'payment_id' and o.kind = 'authorize';
    return core.page_v1(v_views, null, coalesce(cardinality(v_views), 0));
end
$$;
