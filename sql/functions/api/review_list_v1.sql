-- What of the merchant's payments waits for a person, or did; newest first.
-- p: {status? (open|resolved), reason?, payment_id?, limit?, cursor?} → {data: [review view], has_more, next_cursor}
create or replace function api.review_list_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_limit int := core.page_limit_v1(p);
    v_ids text[];
    v_views json[];
begin
    perform core.tenant_v1(p_merchant);
    select array_agg(page.id), array_agg(core.review_view_v1(page, false)) into v_ids, v_views
    from (select * from core.review r
          where r.merchant = p_merchant and (p ->> 'cursor' is null or r.id < p ->> 'cursor')
            and (p ->> 'status' is null or (r.resolved_at is null) = (p ->> 'status' = 'open'))
            and (p ->> 'reason' is null or r.reason = p ->> 'reason')
            and (p ->> 'payment_id' is null or r.payment_id = p ->> 'payment_id')
          order by r.id desc limit v_limit + 1) as page;
    return core.page_v1(v_views, v_ids, v_limit);
end
$$;
