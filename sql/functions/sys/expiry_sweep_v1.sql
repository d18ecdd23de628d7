-- Order the release of authorizations that ran out and that no PSP told of; those of payments that ended are forgotten.
-- Ordered again after half a minute, as long as they are there. p: {limit, at} → {ordered}
create or replace function sys.expiry_sweep_v1(p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_hold record;
    v_ordered int := 0;
begin
    for v_hold in
        select h.payment_id, h.merchant, x.status
        from core.hold h join core.payment x on x.id = h.payment_id
        where h.release_at <= (p ->> 'at')::timestamptz
          and (h.ordered_at is null or h.ordered_at < clock_timestamp() - interval '30 seconds')
        order by h.release_at limit (p ->> 'limit')::int
        for update of h skip locked
    loop
        if v_hold.status in ('authorized', 'partially_captured') then
            update core.hold h set ordered_at = clock_timestamp() where h.payment_id = v_hold.payment_id;
            perform core.order_v1(null, v_hold.merchant, v_hold.payment_id);
            v_ordered := v_ordered + 1;
        else
            delete from core.hold h where h.payment_id = v_hold.payment_id;
        end if;
    end loop;
    return json_build_object('ordered', v_ordered);
end
$$;
