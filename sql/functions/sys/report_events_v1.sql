-- Archive events and add them to the daily totals of their merchants, each event once.
-- p: {events: [event as published]} → {archived}
create or replace function sys.report_events_v1(p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_count bigint;
begin
    with fresh as (
        insert into core.event_archive (event_id, merchant, payment_id, sequence, type, at, event)
        select e ->> 'id', e ->> 'merchant', e ->> 'subject', (e ->> 'sequence')::int, e ->> 'type',
               (e ->> 'time')::timestamptz, e
        from jsonb_array_elements(p -> 'events') as e
        on conflict (event_id) do nothing
        returning merchant, type, at, event
    ), added as (
        insert into core.daily_total as t (merchant, day, currency, type, count, amount)
        select f.merchant, (f.at at time zone 'UTC')::date, f.event -> 'data' -> 'payment' ->> 'currency', f.type,
               count(*),
               sum(coalesce(f.event -> 'data' -> 'refund' ->> 'amount', f.event -> 'data' -> 'operation' ->> 'amount',
                            f.event -> 'data' -> 'payment' ->> 'amount')::bigint)
        from fresh f group by 1, 2, 3, 4
        on conflict (merchant, day, currency, type) do update
        set count = t.count + excluded.count, amount = t.amount + excluded.amount
    )
    select count(*) into v_count from fresh;
    return json_build_object('archived', v_count);
end
$$;
