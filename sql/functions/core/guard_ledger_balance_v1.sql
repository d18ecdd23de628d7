-- Deferred trigger: at commit every ledger transaction sums to zero in each currency. Seeing no line at all is a
-- failure as well: it would mean that row-level security hid what is being checked.
create or replace function core.guard_ledger_balance_v1() returns trigger
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_lines int := 0;
    v_sum record;
begin
    for v_sum in
        select l.currency, count(*) as lines, sum(l.amount) as total
        from core.ledger_line l where l.transaction_id = new.transaction_id group by l.currency
    loop
        v_lines := v_lines + v_sum.lines;
        if v_sum.total <> 0 then
            raise exception using errcode = 'PA500', message = 'ledger_unbalanced',
                detail = format('transaction %s is off by %s %s', new.transaction_id, v_sum.total, v_sum.currency);
        end if;
    end loop;
    if v_lines = 0 then
        raise exception using errcode = 'PA500', message = 'ledger_unbalanced',
            detail = format('transaction %s cannot be seen to balance', new.transaction_id);
    end if;
    return null;
end
$$;
