-- What came of one try. Counts only from the dispatcher that holds the lease.
-- p: {delivery_id, dispatcher, ok, status_code?, error?, next_at?, dead, disable_endpoint, at}
-- → {result: "applied" | "stale", status?}
create or replace function sys.delivery_result_v1(p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_row core.delivery;
begin
    update core.delivery d set
        attempts = d.attempts + 1,
        status = case when (p ->> 'ok')::boolean then 'delivered'
                      when (p ->> 'dead')::boolean then 'dead' else 'pending' end,
        status_code = (p ->> 'status_code')::int, error = p ->> 'error',
        next_at = coalesce((p ->> 'next_at')::timestamptz, d.next_at),
        delivered_at = case when (p ->> 'ok')::boolean then (p ->> 'at')::timestamptz end,
        dispatcher = null, lease_until = null
    where d.id = p ->> 'delivery_id' and d.dispatcher = p ->> 'dispatcher' and d.status = 'pending'
    returning * into v_row;
    if not found then
        return json_build_object('result', 'stale');
    end if;
    if (p ->> 'disable_endpoint')::boolean then
        update core.webhook_endpoint w set status = 'disabled', updated_at = (p ->> 'at')::timestamptz
        where w.id = v_row.endpoint_id;
        update core.delivery d set status = 'dead', error = 'the endpoint is disabled'
        where d.endpoint_id = v_row.endpoint_id and d.status = 'pending';
    end if;
    return json_build_object('result', 'applied', 'status', v_row.status);
end
$$;
