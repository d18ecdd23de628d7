-- Forget PSPs' notifications that came before `before` (business time), the oldest first. Those of a payment with a live
-- operation stay, and so does one that matches nothing yet while its account has a live operation that is older than it.
-- p: {before, limit} → {purged}
create or replace function sys.notification_purge_v1(p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp set enable_seqscan = off as $$
declare
    v_count bigint;
begin
    with live as (
        select o.account_id, min(o.created_at) as since from core.operation o
        where o.kind = 'authorize' and o.status in ('dispatched', 'unknown', 'pending', 'requires_action', 'review')
        group by o.account_id
        union all
        select o.account_id, min(o.created_at) from core.operation o
        where o.kind <> 'authorize' and o.status in ('dispatched', 'unknown', 'pending', 'requires_action')
        group by o.account_id
        union all
        select o.account_id, min(o.created_at) from core.review r join core.operation o on o.id = r.operation_id
        where r.resolved_at is null group by o.account_id
    ), old as (
        select w.account_id, w.event_id from core.webhook_inbox w
        where w.received_at < (p ->> 'before')::timestamptz
          and case when w.payment_id is null
              then not exists (select from live l where l.account_id = w.account_id and l.since <= w.received_at)
              else not exists (select from core.operation o
                               where o.payment_id = w.payment_id and core.is_live_v1(o.status)) end
        order by w.received_at limit (p ->> 'limit')::int for update skip locked
    )
    delete from core.webhook_inbox w using old
    where w.account_id = old.account_id and w.event_id = old.event_id;
    get diagnostics v_count = row_count;
    return json_build_object('purged', v_count);
end
$$;
