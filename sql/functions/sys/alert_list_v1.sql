-- Alerts, newest first. p: {status? (open|closed), kind?, limit?, cursor?} → {data: [alert view], has_more, next_cursor}
create or replace function sys.alert_list_v1(p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_limit int := core.page_limit_v1(p);
    v_ids text[];
    v_views json[];
begin
    select array_agg(page.id), array_agg(core.alert_view_v1(page)) into v_ids, v_views
    from (select * from core.alert a
          where (p ->> 'cursor' is null or a.id < p ->> 'cursor')
            and (p ->> 'status' is null or (a.cleared_at is null) = (p ->> 'status' = 'open'))
            and (p ->> 'kind' is null or a.kind = p ->> 'kind')
          order by a.id desc limit v_limit + 1) as page;
    return core.page_v1(v_views, v_ids, v_limit);
end
$$;
