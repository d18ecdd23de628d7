-- p: {endpoint_id, url, enabled_events: [type | "*"], secret_ciphertext, key_id, at} → endpoint view
create or replace function api.webhook_endpoint_create_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_row core.webhook_endpoint;
begin
    perform core.tenant_v1(p_merchant);
    insert into core.webhook_endpoint (id, merchant, url, enabled_events, secret_ciphertext, key_id, created_at, updated_at)
    values (p ->> 'endpoint_id', p_merchant, p ->> 'url',
            array(select jsonb_array_elements_text(coalesce(p -> 'enabled_events', '["*"]'))),
            p ->> 'secret_ciphertext', p ->> 'key_id', (p ->> 'at')::timestamptz, (p ->> 'at')::timestamptz)
    returning * into v_row;
    return core.webhook_endpoint_view_v1(v_row);
end
$$;
