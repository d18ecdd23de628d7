-- Trigger: a settlement file was compared and does not agree with the ledger, or could not be read.
create or replace function core.alert_settlement_v1() returns trigger
language plpgsql as $$
declare
    v_found bigint;
begin
    if new.status = 'failed' then
        perform core.alert_raise_v1('settlement_failed', new.id, new.merchant,
                                    jsonb_build_object('provider', new.provider), clock_timestamp());
    elsif new.status = 'reconciled' then
        select count(*) into v_found from core.discrepancy d where d.file_id = new.id;
        if v_found > 0 then
            perform core.alert_raise_v1(
                'settlement_discrepancies', new.id, new.merchant,
                jsonb_build_object('provider', new.provider, 'discrepancies', v_found), clock_timestamp());
        end if;
    end if;
    return null;
end
$$;
