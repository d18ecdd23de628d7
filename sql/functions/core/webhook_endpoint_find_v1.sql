-- The merchant's endpoint, or PA404 webhook_endpoint_not_found.
create or replace function core.webhook_endpoint_find_v1(p_id text) returns core.webhook_endpoint
language plpgsql stable as $$
declare
    v_row core.webhook_endpoint;
begin
    select * into v_row from core.webhook_endpoint w where w.id = p_id and w.deleted_at is null;
    if not found then
        perform core.refuse_v1('PA404', 'webhook_endpoint_not_found', 'No such webhook endpoint.');
    end if;
    return v_row;
end
$$;
