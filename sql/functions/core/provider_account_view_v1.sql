-- A provider account as the API shows it: no credentials.
create or replace function core.provider_account_view_v1(p core.provider_account) returns json
language plpgsql stable as $$
begin
    return json_build_object(
        'id', p.id, 'object', 'provider_account', 'provider', p.provider, 'base_url', p.base_url,
        'settings', p.settings, 'webhook_path', '/webhooks/' || p.provider || '/' || p.id,
        'created_at', core.iso_v1(p.created_at));
end
$$;
