-- Lease the oldest file that waits. A file that was claimed `most` times and never finished has failed: something in it
-- ends whoever reads it.
-- p: {lease_ms, most, at} → {settlement_id, merchant, provider, content} or null
create or replace function sys.settlement_claim_v1(p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_row core.settlement_file;
begin
    loop
        select * into v_row from core.settlement_file f
        where f.status = 'received' and (f.lease_until is null or f.lease_until < clock_timestamp())
        order by f.id limit 1 for update skip locked;
        if not found then
            return null;
        end if;
        exit when v_row.claims < (p ->> 'most')::int;
        update core.settlement_file f set status = 'failed', error = 'it was tried too often', lease_until = null
        where f.id = v_row.id;
    end loop;
    update core.settlement_file f
    set claims = f.claims + 1,
        lease_until = clock_timestamp() + (p ->> 'lease_ms')::float8 * interval '1 millisecond'
    where f.id = v_row.id;
    return json_build_object('settlement_id', v_row.id, 'merchant', v_row.merchant, 'provider', v_row.provider,
                             'content', v_row.content);
end
$$;
