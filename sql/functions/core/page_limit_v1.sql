-- The limit of a list: 1..100, 20 when not given.
create or replace function core.page_limit_v1(p jsonb) returns int
language sql immutable parallel safe as $$
    select least(greatest(coalesce((p ->> 'limit')::int, 20), 1), 100)
$$;
