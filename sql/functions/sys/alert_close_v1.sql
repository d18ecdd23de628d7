-- An operator has dealt with what an alert is about. What goes on is raised again as a new alert.
-- p: {alert_id, operator, why, origin?, at} → alert view. Raises PA404 alert_not_found, PA410 alert_not_open.
create or replace function sys.alert_close_v1(p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_alert core.alert;
begin
    select * into v_alert from core.alert a where a.id = p ->> 'alert_id' for update;
    if not found then
        perform core.refuse_v1('PA404', 'alert_not_found', 'No such alert.');
    elsif v_alert.cleared_at is not null then
        perform core.refuse_v1('PA410', 'alert_not_open', 'This alert is closed already.');
    end if;
    update core.alert a set cleared_at = (p ->> 'at')::timestamptz, cleared_by = p ->> 'operator'
    where a.id = v_alert.id returning * into v_alert;
    perform core.audit_v1(jsonb_strip_nulls(jsonb_build_object(
        'operator', p ->> 'operator', 'action', 'alert.close', 'result', 'done', 'merchant', v_alert.merchant,
        'subject', v_alert.id, 'why', p ->> 'why', 'origin', p ->> 'origin', 'at', p ->> 'at')));
    return core.alert_view_v1(v_alert);
end
$$;
