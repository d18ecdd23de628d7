-- How long an open circuit keeps payments away before one of them tries the account again, by the merchant's routing
-- document; 30 seconds where it does not say.
create or replace function core.circuit_pause_v2(p_merchant text) returns interval
language sql stable as $$
    select coalesce((select make_interval(secs => (r.circuit ->> 'pause_s')::double precision)
                     from core.routing r where r.merchant = p_merchant), interval '30 seconds')
$$;
