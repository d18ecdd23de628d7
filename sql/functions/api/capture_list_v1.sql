-- The merchant's captures, newest first, of one payment if it is given.
-- p: {payment_id?, limit?, cursor?} → {data: [capture view], has_more, next_cursor}
create or replace function api.capture_list_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_limit int := core.page_limit_v1(p);
    v_cursor text := p ->> 'cursor';
    v_payment_id text := p ->> 'payment_id';
    v_ids text[];
    v_views json[];
begin
    perform core.tenant_v1(p_merchant);
    select array_agg(page.id), array_agg(core.operation_view_v1(page, 'capture')) into v_ids, v_views
    from (select * from core.operation o
          where o.merchant = p_merchant and o.kind = 'capture' and o.reversal_of is null
            and (v_cursor is null or o.id < v_cursor) and (v_payment_id is null or o.payment_id = v_payment_id)
          order by o.id desc limit v_limit + 1) as page;
    return core.page_v1(v_views, v_ids, v_limit);
end
$$;
