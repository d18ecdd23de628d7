-- New payments no longer use it; what is under way there still resolves.
-- p: {account_id, at} → {id, object, deleted: true}. Raises PA404 provider_account_not_found.
create or replace function api.provider_account_delete_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_row core.provider_account;
begin
    perform core.tenant_v1(p_merchant);
    v_row := core.provider_account_find_v1(p ->> 'account_id');
    update core.provider_account a set deleted_at = (p ->> 'at')::timestamptz where a.id = v_row.id;
    return json_build_object('id', v_row.id, 'object', 'provider_account', 'deleted', true);
end
$$;
