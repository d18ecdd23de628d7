-- Deferred trigger of ledger_transaction, and of ledger_line beyond the second: at commit every ledger transaction has its
-- lines 1 and 2 and sums to zero in each currency. Seeing no line at all is a failure as well: it would mean that
-- row-level security hid what is being checked.
create or replace function core.guard_ledger_balance_v1() returns trigger
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_id text := case tg_table_name when 'ledger_transaction' then to_jsonb(new) ->> 'id'
                                    else to_jsonb(new) ->> 'transaction_id' end;
    v_off text;
    v_firsts bigint;
begin
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
