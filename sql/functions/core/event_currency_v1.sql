-- The currency of what an event moved or named; null for an event that is not about money.
create or replace function core.event_currency_v1(p_event jsonb) returns text
language sql immutable parallel safe as $$
    select coalesce(p_event -> 'data' -> 'refund' ->> 'currency', p_event -> 'data' -> 'dispute' ->> 'currency',
                    p_event -> 'data' -> 'payment' ->> 'currency')
$$;
