-- Make a table of reporting equal to its rebuilt namesake: rows that differ go and come again, the others stay untouched.
-- Readers see the one or the other, never half of it.
create or replace function core.report_replace_v1(p_table text, p_key text[]) returns void
language plpgsql as $$
declare
    v_same text := (select string_agg(format('t.%1$I = r.%1$I', k), ' and ') from unnest(p_key) as k);
begin
    execute format('delete from core.%1$I as t where not exists (select from rebuilt_%1$s as r where %2$s and to_jsonb(r) = to_jsonb(t))',
                   p_table, v_same);
    execute format('insert into core.%1$I select r.* from rebuilt_%1$s as r where not exists (select from core.%1$I as t where %2$s)',
                   p_table, v_same);
end
$$;
