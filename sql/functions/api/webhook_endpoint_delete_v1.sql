-- Deliveries that wait are given up with it. p: {endpoint_id, at} → {id, object, deleted: true}
-- Raises PA404 webhook_endpoint_not_found.
create or replace function api.webhook_endpoint_delete_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_row core.webhook_endpoint;
begin
    perform core.tenant_v1(p_merchant);
    v_row := core.webhook_endpoint_find_v1(p ->> 'endpoint_id');
    update core.webhook_endpoint w set deleted_at = (p ->> 'at')::timestamptz where w.id = v_row.id;
    update core.delivery d set status = 'dead', error = 'the endpoint was deleted'
    where d.endpoint_id = v_row.id and d.status = 'pending';
    return json_build_object('id', v_row.id, 'object', 'webhook_endpoint', 'deleted', true);
end
$$;
