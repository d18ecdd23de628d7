-- What the ledger has of this account in the period of a file and no file of the account has. Each moment is judged by
-- one file: the last `tolerance_s` of a period belong to the next file, which may still bring what moved then.
create or replace function core.settlement_missing_v1(p_file core.settlement_file)
returns table (kind text, line int, operation_id text, payment_id text, expected json, found json)
language sql stable as $$
    select 'missing_at_psp', null::int, o.id, o.payment_id,
           json_build_object('status', o.status, 'amount', b.amount, 'currency', b.currency, 'fee', null,
                             'at', core.iso_v1(t.at)),
           null::json
    from core.ledger_transaction t
    join core.operation o on o.id = t.operation_id and o.account_id = p_file.account_id
    join lateral (select abs(x.amount) as amount, x.currency from core.ledger_line x
                  where x.transaction_id = t.id and x.line = 1) as b on true
    where t.merchant = p_file.merchant and t.dispute_id is null
      and t.at < p_file.period_to - p_file.tolerance_s * interval '1 second'
      and t.at >= p_file.period_from - case
            when exists (select from core.settlement_file f
                         where f.account_id = p_file.account_id and f.status = 'reconciled'
                           and f.period_to = p_file.period_from)
            then p_file.tolerance_s else 0 end * interval '1 second'
      and not exists (select from core.settlement_line l where l.operation_id = t.operation_id)
$$;
