-- p: {endpoint_id?, status?: pending|delivered|dead, limit?, cursor?} → {data: [delivery view], has_more, next_cursor}
create or replace function api.delivery_list_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_limit int := core.page_limit_v1(p);
    v_cursor text := p ->> 'cursor';
    v_endpoint text := p ->> 'endpoint_id';
    v_status text := p ->> 'status';
    v_ids text[];
    v_views json[];
begin
    perform core.tenant_v1(p_merchant);
    select array_agg(page.id), array_agg(core.delivery_view_v1(page)) into v_ids, v_views
    from (select * from core.delivery d
          where d.merchant = p_merchant and (v_cursor is null or d.id < v_cursor)
            and (v_endpoint is null or d.endpoint_id = v_endpoint) and (v_status is null or d.status = v_status)
          order by d.id desc limit v_limit + 1) as page;
    return core.page_v1(v_views, v_ids, v_limit);
end
$$;
