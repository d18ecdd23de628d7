-- p: {dispute_id} → dispute view. Raises PA404 dispute_not_found.
create or replace function api.dispute_get_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    d core.dispute;
begin
    perform core.tenant_v1(p_merchant);
    select * into d from core.dispute o where o.id = p ->> 'dispute_id';
    if not found then
        perform core.refuse_v1('PA404', 'dispute_not_found', 'No such dispute.');
    end if;
    return core.dispute_view_v1(d);
end
$$;
