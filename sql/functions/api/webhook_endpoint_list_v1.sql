-- p: {limit?, cursor?} → {data: [endpoint view], has_more, next_cursor}, newest first
create or replace function api.webhook_endpoint_list_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_limit int := core.page_limit_v1(p);
    v_cursor text := p ->> 'cursor';
    v_ids text[];
    v_views json[];
begin
    perform core.tenant_v1(p_merchant);
    select array_agg(page.id), array_agg(core.webhook_endpoint_view_v1(page)) into v_ids, v_views
    from (select * from core.webhook_endpoint w
          where w.merchant = p_merchant and w.deleted_at is null and (v_cursor is null or w.id < v_cursor)
          order by w.id desc limit v_limit + 1) as page;
    return core.page_v1(v_views, v_ids, v_limit);
end
$$;
