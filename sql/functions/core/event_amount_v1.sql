-- The minor units that an event moved or named: of its refund or dispute, else of its operation, else of its payment.
create or replace function core.event_amount_v1(p_event jsonb) returns bigint
language sql immutable parallel safe as $$
    select coalesce(p_event -> 'data' -> 'refund' ->> 'amount', p_event -> 'data' -> 'dispute' ->> 'amount',
                    p_event -> 'data' -> 'operation' ->> 'amount', p_event -> 'data' -> 'payment' ->> 'amount')::bigint
$$;
