-- p: {event_id} → the event as it was published. Raises PA404 event_not_found.
create or replace function api.event_get_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_event json;
begin
    perform core.tenant_v1(p_merchant);
    select e.event into v_event from core.event e where e.id = p ->> 'event_id';
    if not found then
        perform core.refuse_v1('PA404', 'event_not_found', 'No such event.');
    end if;
    return v_event;
end
$$;
