-- What came of several tries, in one commit. Each counts only from the dispatcher that holds its lease.
-- p: {dispatcher, results: [{delivery_id, ok, status_code?, error?, next_at?, dead, disable_endpoint, at}]}
-- → {applied, stale}
-- Queues outrun their statistics: without the setting a plan made on an empty table reads all deliveries ever written.
create or replace function sys.delivery_results_v1(p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp set enable_seqscan = off as $$
declare
    v_applied bigint;
    v_gone text[];
begin
    with result as (
        select r.* from jsonb_to_recordset(p -> 'results') as r (
            delivery_id text, ok boolean, status_code int, error text, next_at timestamptz, dead boolean,
            disable_endpoint boolean, at timestamptz)
    ), applied as (
        update core.delivery d set
            attempts = d.attempts + 1,
            status = case when r.ok then 'delivered' when r.dead then 'dead' else 'pending' end,
            status_code = r.status_code, error = r.error, next_at = coalesce(r.next_at, d.next_at),
            delivered_at = case when r.ok then r.at end, dispatcher = null, lease_until = null,
            history = d.history || jsonb_strip_nulls(jsonb_build_object(
                'at', core.iso_v1(r.at), 'ok', r.ok, 'status_code', r.status_code, 'error', r.error))
        from result r
        where d.id = r.delivery_id and d.dispatcher = p ->> 'dispatcher' and d.status = 'pending'
        returning d.endpoint_id, r.disable_endpoint
    )
    select count(*), array_agg(distinct a.endpoint_id) filter (where a.disable_endpoint) into v_applied, v_gone
    from applied a;
    if v_gone is not null then
        update core.webhook_endpoint w
        set status = 'disabled', updated_at = (p -> 'results' -> 0 ->> 'at')::timestamptz where w.id = any (v_gone);
        update core.delivery d set status = 'dead', error = 'the endpoint is disabled'
        where d.endpoint_id = any (v_gone) and d.status = 'pending';
    end if;
    return json_build_object('applied', v_applied, 'stale', jsonb_array_length(p -> 'results') - v_applied);
end
$$;
