-- p: {limit?, cursor?} → {data: [account view], has_more, next_cursor}, newest first
create or replace function api.provider_account_list_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_limit int := core.page_limit_v1(p);
    v_cursor text := p ->> 'cursor';
    v_ids text[];
    v_views json[];
begin
    perform core.tenant_v1(p_merchant);
    select array_agg(page.id), array_agg(core.provider_account_view_v1(page)) into v_ids, v_views
    from (select * from core.provider_account a
          where a.merchant = p_merchant and a.deleted_at is null and (v_cursor is null or a.id < v_cursor)
          order by a.id desc limit v_limit + 1) as page;
    return core.page_v1(v_views, v_ids, v_limit);
end
$$;
