-- The merchant's disputes, newest first, of one payment or in one status if that is given.
-- p: {payment_id?, status?, limit?, cursor?} → {data: [dispute view], has_more, next_cursor}
create or replace function api.dispute_list_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_limit int := core.page_limit_v1(p);
    v_cursor text := p ->> 'cursor';
    v_payment_id text := p ->> 'payment_id';
    v_status text := p ->> 'status';
    v_ids text[];
    v_views json[];
begin
    perform core.tenant_v1(p_merchant);
    select array_agg(page.id), array_agg(core.dispute_view_v1(page)) into v_ids, v_views
    from (select * from core.dispute o
          where o.merchant = p_merchant and (v_cursor is null or o.id < v_cursor)
            and (v_payment_id is null or o.payment_id = v_payment_id) and (v_status is null or o.status = v_status)
          order by o.id desc limit v_limit + 1) as page;
    return core.page_v1(v_views, v_ids, v_limit);
end
$$;
