-- Payments whose workflow has something to do or to wait for, oldest first: what `payera ops stuck` compares with the
-- workflows that Temporal runs. A payment whose sender still holds its lease has none yet, and needs none.
-- p: {limit?, cursor?} → {data: [{id, object: "open_payment", merchant, status, since}], has_more, next_cursor}
create or replace function sys.open_work_v1(p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp set enable_seqscan = off as $$
declare
    v_limit int := core.page_limit_v1(p);
    v_ids text[];
    v_views json[];
begin
    with open as (
        select o.payment_id from core.operation o
        where o.kind = 'authorize' and o.status in ('dispatched', 'unknown', 'pending', 'requires_action', 'review')
          and o.status <> 'review' and (o.status <> 'dispatched' or o.lease_until < clock_timestamp())
        union
        select o.payment_id from core.operation o
        where o.kind <> 'authorize' and o.status in ('dispatched', 'unknown', 'pending', 'requires_action')
          and (o.status <> 'dispatched' or o.lease_until < clock_timestamp())
        union
        select o.payment_id from core.operation o
        where o.surplus and o.status = 'approved' and o.reversed_by is null
        union
        select x.id from core.payment x where x.attempt_due
    )
    select array_agg(page.id), array_agg(page.view) into v_ids, v_views
    from (select x.id, json_build_object('id', x.id, 'object', 'open_payment', 'merchant', x.merchant,
                                         'status', x.status, 'since', core.iso_v1(x.updated_at)) as view
          from core.payment x
          where x.id in (select o.payment_id from open o) and (p ->> 'cursor' is null or x.id > p ->> 'cursor')
          order by x.id limit v_limit + 1) as page;
    return core.page_v1(v_views, v_ids, v_limit);
end
$$;
