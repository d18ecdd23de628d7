-- Forget deliveries that were planned before `before` (business time) and came to an end, the oldest first. From then on
-- an event as old as that plans no delivery: a Kafka cluster that is new sees every event once more.
-- p: {before, limit} → {purged}
create or replace function sys.delivery_purge_v1(p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp set enable_seqscan = off as $$
declare
    v_before timestamptz := (p ->> 'before')::timestamptz;
    v_count bigint;
begin
    with old as (
        select d.id from core.delivery d
        where d.status <> 'pending' and d.created_at < v_before
        order by d.created_at limit (p ->> 'limit')::int for update skip locked
    )
    delete from core.delivery d using old where d.id = old.id;
    get diagnostics v_count = row_count;
    if v_count > 0 then
        insert into core.forgotten as f (what, upto) values ('deliveries', v_before)
        on conflict (what) do update set upto = greatest(f.upto, excluded.upto);
    end if;
    return json_build_object('purged', v_count);
end
$$;
