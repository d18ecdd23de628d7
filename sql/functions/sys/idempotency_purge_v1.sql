-- Forget idempotency keys that were used before `before` (business time), the oldest first. A key whose request is under
-- way, or whose answer is still to come, stays however old it is.
-- p: {before, limit} → {purged}
create or replace function sys.idempotency_purge_v1(p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp set enable_seqscan = off as $$
declare
    v_count bigint;
begin
    with old as (
        select i.merchant, i.scope, i.key from core.idempotency i
        where i.created_at < (p ->> 'before')::timestamptz
          and (i.state = 'frozen'
               or i.state = 'open'
                  and not exists (select from core.operation o
                                  where o.payment_id = i.payment_id and core.is_live_v1(o.status))
                  and not exists (select from core.payment x where x.id = i.payment_id
                                  and x.status in ('processing', 'requires_action', 'needs_review')))
        order by i.created_at limit (p ->> 'limit')::int for update skip locked
    )
    delete from core.idempotency i using old
    where i.merchant = old.merchant and i.scope = old.scope and i.key = old.key;
    get diagnostics v_count = row_count;
    return json_build_object('purged', v_count);
end
$$;
