-- The row of the BIN table for the first digits of a card number: the longest prefix wins. Null columns: not listed.
create or replace function core.bin_find_v1(p_digits text) returns core.bin
language sql stable as $$
    select b from core.bin b
    where b.prefix = any (array(select left(p_digits, n) from generate_series(4, 11) as n))
    order by length(b.prefix) desc limit 1
$$;
