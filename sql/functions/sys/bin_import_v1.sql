-- Put rows into the BIN table. `replace`: rows that no call of this batch brought are removed, so a long table may come in
-- several calls of one transaction, the last of them replacing.
-- p: {bins: [{prefix, brand?, issuer_country?, funding?, issuer?}], replace: bool, batch?}
-- → {bins: how many there are now, added, changed, removed}
create or replace function sys.bin_import_v1(p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_batch text := coalesce(p ->> 'batch', gen_random_uuid()::text);
    v_added bigint;
    v_changed bigint;
    v_removed bigint := 0;
begin
    perform pg_advisory_xact_lock(hashtextextended('bins', 0));
    with imported as (
        insert into core.bin as b (prefix, brand, issuer_country, funding, issuer, batch)
        select r.prefix, r.brand, r.issuer_country, r.funding, r.issuer, v_batch
        from jsonb_to_recordset(p -> 'bins')
            as r (prefix text, brand text, issuer_country text, funding text, issuer text)
        on conflict (prefix) do update
        set brand = excluded.brand, issuer_country = excluded.issuer_country, funding = excluded.funding,
            issuer = excluded.issuer, batch = excluded.batch
        returning old.prefix is null as added,
                  (old.brand, old.issuer_country, old.funding, old.issuer)
                  is distinct from (new.brand, new.issuer_country, new.funding, new.issuer) as changed
    )
    select count(*) filter (where i.added), count(*) filter (where not i.added and i.changed)
    into v_added, v_changed from imported i;
    if coalesce((p ->> 'replace')::boolean, false) then
        delete from core.bin b where b.batch <> v_batch;
        get diagnostics v_removed = row_count;
    end if;
    return json_build_object('bins', (select count(*) from core.bin), 'added', v_added, 'changed', v_changed,
                             'removed', v_removed);
end
$$;
