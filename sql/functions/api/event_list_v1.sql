-- Events as they were published: of one payment in their sequence, else of the merchant newest first.
-- p: {payment_id?, type?, limit?, cursor?} → {data: [event], has_more, next_cursor}
-- Raises PA404 payment_not_found, PA422 cursor_invalid.
create or replace function api.event_list_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_limit int := core.page_limit_v1(p);
    v_type text := p ->> 'type';
    v_payment_id text := p ->> 'payment_id';
    v_position bigint;
    v_ids text[];
    v_views json[];
begin
    perform core.tenant_v1(p_merchant);
    if p ->> 'cursor' is not null then
        select e.position into v_position from core.event e where e.id = p ->> 'cursor';
        if not found then
            perform core.refuse_v1('PA422', 'cursor_invalid', 'The cursor is not one that a list returned.');
        end if;
    end if;
    if v_payment_id is not null then
        perform 1 from core.payment x where x.id = v_payment_id;
        if not found then
            perform core.refuse_v1('PA404', 'payment_not_found', 'No such payment.');
        end if;
        select array_agg(page.id), array_agg(page.event) into v_ids, v_views
        from (select e.id, e.event from core.event e
              where e.payment_id = v_payment_id and (v_type is null or e.type = v_type)
                and (v_position is null or e.position > v_position)
              order by e.sequence limit v_limit + 1) as page;
    else
        select array_agg(page.id), array_agg(page.event) into v_ids, v_views
        from (select e.id, e.event from core.event e
              where e.merchant = p_merchant and (v_type is null or e.type = v_type)
                and (v_position is null or e.position < v_position)
              order by e.position desc limit v_limit + 1) as page;
    end if;
    return core.page_v1(v_views, v_ids, v_limit);
end
$$;
