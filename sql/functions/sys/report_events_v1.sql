-- Archive events, add them to the daily totals of their merchants and their attempts to the tallies that routing reads.
-- Each event counts once and each attempt counts once, in whatever order and however often they come.
-- p: {events: [event as published]} → {archived}
create or replace function sys.report_events_v1(p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_count bigint;
begin
    -- A rebuild waits for the batches under way, and they for it.
    perform pg_advisory_xact_lock_shared(hashtextextended('reports', 0));
    with fresh as (
        insert into core.event_archive (event_id, merchant, payment_id, sequence, type, at, event)
        select e ->> 'id', e ->> 'merchant', e ->> 'subject', (e ->> 'sequence')::int, e ->> 'type',
               (e ->> 'time')::timestamptz, e
        from jsonb_array_elements(p -> 'events') as e
        on conflict (event_id) do nothing
        returning merchant, type, at, event::jsonb as event
    ), added as (
        insert into core.daily_total as t (merchant, day, currency, type, count, amount)
        select f.merchant, (f.at at time zone 'UTC')::date, core.event_currency_v1(f.event), f.type, count(*),
               sum(core.event_amount_v1(f.event))
        from fresh f where core.event_currency_v1(f.event) is not null group by 1, 2, 3, 4
        on conflict (merchant, day, currency, type) do update
        set count = t.count + excluded.count, amount = t.amount + excluded.amount
    ), told as (
        select distinct on (a.id) a.* from fresh f cross join lateral core.event_attempts_v1(f.event) as a
        order by a.id, a.sequence
    ), kept as (
        -- An earlier event that comes late corrects what a later one said.
        insert into core.attempt_fact as t select * from told
        on conflict (id) do update
        set sequence = excluded.sequence, place = excluded.place, account_id = excluded.account_id,
            provider = excluded.provider, status = excluded.status, unknown = excluded.unknown,
            reason = excluded.reason, brand = excluded.brand, bin = excluded.bin, amount = excluded.amount,
            currency = excluded.currency, settled_at = excluded.settled_at
        where excluded.sequence < t.sequence
        returning new.merchant, new.account_id, new.settled_at, new.status,
                  old.account_id as old_account, old.settled_at as old_at, old.status as old_status
    ), changes (merchant, account_id, settled_at, attempts, approved) as (
        select k.merchant, k.account_id, k.settled_at, 1, (k.status = 'approved')::int from kept k
        union all
        select k.merchant, k.old_account, k.old_at, -1, -(k.old_status = 'approved')::int
        from kept k where k.old_at is not null
    ), tallied as (
        insert into core.attempt_tally as t (merchant, account_id, bucket, attempts, approved)
        select c.merchant, c.account_id, core.tally_bucket_v1(c.settled_at), sum(c.attempts), sum(c.approved)
        from changes c group by 1, 2, 3
        on conflict (merchant, account_id, bucket) do update
        set attempts = t.attempts + excluded.attempts, approved = t.approved + excluded.approved
    )
    select count(*) into v_count from fresh;
    return json_build_object('archived', v_count);
end
$$;
