-- Replace the BIN table, or add to it. p: {bins: [{prefix, brand?, issuer_country?, funding?, issuer?}], replace: bool}
-- → {bins: how many there are now}
create or replace function sys.bin_import_v1(p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
begin
    if coalesce((p ->> 'replace')::boolean, false) then
        delete from core.bin;
    end if;
    insert into core.bin as b (prefix, brand, issuer_country, funding, issuer)
    select * from jsonb_to_recordset(p -> 'bins') as r (prefix text, brand text, issuer_country text, funding text, issuer text)
    on conflict (prefix) do update
    set brand = excluded.brand, issuer_country = excluded.issuer_country, funding = excluded.funding,
        issuer = excluded.issuer;
    return json_build_object('bins', (select count(*) from core.bin));
end
$$;
