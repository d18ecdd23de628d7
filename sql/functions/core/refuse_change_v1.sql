-- Trigger of the append-only tables: what is written there stays as it was written.
create or replace function core.refuse_change_v1() returns trigger
language plpgsql as $$
begin
    raise exception using errcode = 'PA500', message = 'append_only',
        detail = format('%s.%s takes inserts only', tg_table_schema, tg_table_name);
end
$$;
