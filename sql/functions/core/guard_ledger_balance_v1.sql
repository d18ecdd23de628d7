-- Deferred trigger of ledger_transaction, and of ledger_line beyond the second: at commit every ledger transaction has its
-- lines 1 and 2 and sums to zero in each currency. Seeing no line at all is a failure as well: it would mean that
-- row-level security hid what is being checked.
create or replace function core.guard_ledger_balance_v1() returns trigger
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_id text;
    v_off text;
    v_firsts bigint;
begin
    if tg_table_name = 'ledger_transaction' then
        v_id := new.id;
    else
        v_id := new.transaction_id;
    end if;
    -- The common case, kept cheap: two lines in one currency that cancel each other out.
    perform from core.ledger_line one join core.ledger_line two using (transaction_id, currency)
    where one.transaction_id = v_id and one.line = 1 and two.line = 2 and one.amount = -two.amount;
    if found and tg_table_name = 'ledger_transaction'
       and not exists (select from core.ledger_line l where l.transaction_id = v_id and l.line > 2) then
        return null;
    end if;
    select string_agg(format('%s %s', totals.total, totals.currency), ', ') filter (where totals.total <> 0),
           sum(totals.firsts)
    into v_off, v_firsts
    from (select l.currency, sum(l.amount) as total, count(*) filter (where l.line in (1, 2)) as firsts
          from core.ledger_line l where l.transaction_id = v_id group by l.currency) as totals;
    if v_off is not null then
        raise exception using errcode = 'PA500', message = 'ledger_unbalanced',
            detail = format('transaction %s is off by %s', v_id, v_off);
    elsif v_firsts is distinct from 2 then
        raise exception using errcode = 'PA500', message = 'ledger_unbalanced',
            detail = format('transaction %s cannot be seen to balance', v_id);
    end if;
    return null;
end
$$;
