-- The merchant's settlement files, newest first, of one account if it is given.
-- p: {account_id?, limit?, cursor?} → {data: [settlement view], has_more, next_cursor}
create or replace function api.settlement_list_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_limit int := core.page_limit_v1(p);
    v_cursor text := p ->> 'cursor';
    v_account text := p ->> 'account_id';
    v_ids text[];
    v_views json[];
begin
    perform core.tenant_v1(p_merchant);
    select array_agg(page.id), array_agg(core.settlement_view_v1(page)) into v_ids, v_views
    from (select * from core.settlement_file f
          where f.merchant = p_merchant and (v_cursor is null or f.id < v_cursor)
            and (v_account is null or f.account_id = v_account)
          order by f.id desc limit v_limit + 1) as page;
    return core.page_v1(v_views, v_ids, v_limit);
end
$$;
