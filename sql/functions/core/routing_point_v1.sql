-- A payment's place between 0 and 9999: what shares and exploration go by. The same in gateway/domain/routing.py.
create or replace function core.routing_point_v1(p_payment_id text, p_salt text default '') returns bigint
language sql immutable parallel safe as $$
    select ('x' || left(encode(sha256(convert_to(p_payment_id || p_salt, 'UTF8')), 'hex'), 8))::bit(32)::bigint % 10000
$$;
