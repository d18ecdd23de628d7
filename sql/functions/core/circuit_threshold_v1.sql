-- How many technical failures in a row open a circuit, by the merchant's routing document; five where it does not say.
create or replace function core.circuit_threshold_v1(p_merchant text) returns int
language sql stable as $$
    select coalesce((select (r.circuit ->> 'failures')::int from core.routing r where r.merchant = p_merchant), 5)
$$;
