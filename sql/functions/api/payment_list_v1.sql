-- The merchant's payments, newest first.
-- p: {limit?, cursor?, status?, reference?} → {data: [payment view], has_more, next_cursor}
create or replace function api.payment_list_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_limit int := core.page_limit_v1(p);
    v_cursor text := p ->> 'cursor';
    v_status text := p ->> 'status';
    v_reference text := p ->> 'reference';
    v_ids text[];
    v_views json[];
begin
    perform core.tenant_v1(p_merchant);
    select array_agg(page.id), array_agg(core.payment_view_v1(page)) into v_ids, v_views
    from (select * from core.payment x
          where x.merchant = p_merchant and (v_cursor is null or x.id < v_cursor)
            and (v_status is null or x.status = v_status) and (v_reference is null or x.reference = v_reference)
          order by x.id desc limit v_limit + 1) as page;
    return core.page_v1(v_views, v_ids, v_limit);
end
$$;
