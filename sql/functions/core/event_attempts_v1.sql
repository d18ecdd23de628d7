-- The attempts that an event tells of, as reporting keeps them. Of the events that end an authorization each tells of
-- all its attempts so far; the one with the lowest sequence holds.
create or replace function core.event_attempts_v1(p_event jsonb) returns setof core.attempt_fact
language sql immutable parallel safe rows 1 as $$
    select a.value ->> 'id', p_event ->> 'merchant', p_event ->> 'subject', (p_event ->> 'sequence')::int, a.place::int,
           a.value ->> 'provider_account', a.value ->> 'provider', a.value ->> 'status', (a.value ->> 'unknown')::boolean,
           a.value ->> 'reason', a.value ->> 'brand', a.value ->> 'bin_prefix', (a.value ->> 'amount')::bigint,
           a.value ->> 'currency', (a.value ->> 'settled_at')::timestamptz
    from jsonb_array_elements(p_event -> 'data' -> 'attempts') with ordinality as a (value, place)
$$;
