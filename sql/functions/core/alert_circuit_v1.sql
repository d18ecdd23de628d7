-- Trigger: an account's circuit opened, or closed again. Every failure that keeps it open is one
-- time more.
create or replace function core.alert_circuit_v1() returns trigger
language plpgsql as $$
begin
    if tg_op = 'DELETE' then
        if old.open_until is not null then
            perform core.alert_clear_v1('circuit_open', old.account_id, clock_timestamp());
        end if;
    elsif new.open_until is not null and (tg_op = 'INSERT' or old.failures <> new.failures) then
        perform core.alert_raise_v1(
            'circuit_open', new.account_id, new.merchant,
            jsonb_build_object('failures', new.failures, 'open_until', core.iso_v1(new.open_until)), clock_timestamp());
    end if;
    return null;
end
$$;
