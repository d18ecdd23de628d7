-- The audit, newest first. Reading it is an action as well, and stands in it (PCI DSS 10.2.1.3).
-- p: {operator?, action?, payment_id?, limit?, cursor?, by, origin?, at} → {data: [audit view], has_more, next_cursor}
create or replace function sys.audit_list_v1(p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_limit int := core.page_limit_v1(p);
    v_before bigint;
    v_ids text[];
    v_views json[];
begin
    if p ->> 'cursor' is not null then
        select coalesce(max(a.position), 0) into v_before from core.audit a where a.id = p ->> 'cursor';
    end if;
    select array_agg(page.id), array_agg(core.audit_view_v1(page)) into v_ids, v_views
    from (select * from core.audit a
          where (v_before is null or a.position < v_before)
            and (p ->> 'operator' is null or a.operator = p ->> 'operator')
            and (p ->> 'action' is null or a.action = p ->> 'action')
            and (p ->> 'payment_id' is null or a.payment_id = p ->> 'payment_id')
          order by a.position desc limit v_limit + 1) as page;
    perform core.audit_v1(jsonb_strip_nulls(jsonb_build_object(
        'operator', p ->> 'by', 'action', 'audit.read', 'result', 'done', 'payment_id', p ->> 'payment_id',
        'origin', p ->> 'origin', 'at', p ->> 'at')));
    return core.page_v1(v_views, v_ids, v_limit);
end
$$;
