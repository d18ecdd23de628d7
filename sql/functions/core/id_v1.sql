-- An id for what no caller names: the prefix and 26 characters that sort by p_at, as gateway/domain/ids.py makes them.
create or replace function core.id_v1(p_prefix text, p_at timestamptz) returns text
language sql volatile parallel safe as $$
    select p_prefix || '_'
        || string_agg(substr(a.digits, (floor(extract(epoch from p_at) * 1000)::bigint >> (45 - 5 * i) & 31)::int + 1, 1),
                      '' order by i) filter (where i < 10)
        || string_agg(substr(a.digits, (get_byte(r.bytes, i - 10) & 31) + 1, 1), '' order by i) filter (where i >= 10)
    from generate_series(0, 25) as i, (select uuid_send(gen_random_uuid()) as bytes) as r,
         (select '0123456789abcdefghjkmnpqrstvwxyz' as digits) as a
$$;
