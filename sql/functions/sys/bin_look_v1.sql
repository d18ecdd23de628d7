-- What the BIN table says of a card number's first digits (6 to 11): the longest prefix wins.
-- p: {digits} → {digits, prefix, brand, issuer_country, funding, issuer}; null: not listed
create or replace function sys.bin_look_v1(p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_bin core.bin := core.bin_find_v1(p ->> 'digits');
begin
    if v_bin.prefix is null then
        return null;
    end if;
    return json_build_object('digits', p ->> 'digits', 'prefix', v_bin.prefix, 'brand', v_bin.brand,
                             'issuer_country', v_bin.issuer_country, 'funding', v_bin.funding, 'issuer', v_bin.issuer);
end
$$;
