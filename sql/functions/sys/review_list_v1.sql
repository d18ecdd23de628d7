-- What waits for an operator, of all merchants or one; newest first.
-- p: {status? (open|resolved), reason?, merchant?, payment_id?, limit?, cursor?} → {data: [review view], has_more, next_cursor}
create or replace function sys.review_list_v1(p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_limit int := core.page_limit_v1(p);
    v_ids text[];
    v_views json[];
begin
    select array_agg(page.id), array_agg(core.review_view_v1(page, true)) into v_ids, v_views
    from (select * from core.review r
          where (p ->> 'cursor' is null or r.id < p ->> 'cursor')
            and (p ->> 'status' is null or (r.resolved_at is null) = (p ->> 'status' = 'open'))
            and (p ->> 'reason' is null or r.reason = p ->> 'reason')
            and (p ->> 'merchant' is null or r.merchant = p ->> 'merchant')
            and (p ->> 'payment_id' is null or r.payment_id = p ->> 'payment_id')
          order by r.id desc limit v_limit + 1) as page;
    return core.page_v1(v_views, v_ids, v_limit);
end
$$;
