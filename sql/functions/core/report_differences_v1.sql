-- Rows in which a table of reporting differs from its rebuilt namesake `rebuilt_<table>`: key, what is there, what should
-- be. One side is null where the row is missing there. p_key: the columns of its primary key.
create or replace function core.report_differences_v1(p_table text, p_key text[])
returns table (key jsonb, live jsonb, rebuilt jsonb)
language plpgsql as $$
declare
    v_key text := (select string_agg(quote_ident(k), ', ') from unnest(p_key) as k);
begin
    return query execute format(
        'select coalesce(l.k, r.k), l.data, r.data'
        ' from (select jsonb_build_array(%1$s) as k, to_jsonb(t) as data from core.%2$I as t) as l'
        ' full join (select jsonb_build_array(%1$s) as k, to_jsonb(t) as data from rebuilt_%2$s as t) as r using (k)'
        ' where l.data is distinct from r.data order by 1', v_key, p_table);
end
$$;
