-- The lines of a file that do not agree with the ledger, with the first reason that applies (see settlement_compare_v1).
create or replace function core.settlement_differences_v1(p_file core.settlement_file)
returns table (kind text, line int, operation_id text, payment_id text, expected json, found json)
language sql stable as $$
    with compared as (
        select l.*, o.status as our_status, t.at as our_at, b.amount as our_amount, b.currency as our_currency,
               r.basis_points, r.fixed, (l.amount * r.basis_points + 5000) / 10000 + r.fixed as our_fee,
               case when l.kind in ('refund', 'chargeback') then -l.amount else l.amount end as gross,
               row_number() over (partition by l.operation_id order by l.line) > 1
                   or exists (select from core.settlement_line e
                              where e.operation_id = l.operation_id and e.file_id <> l.file_id) as again
        from core.settlement_line l
        left join core.operation o on o.id = l.operation_id
        left join core.ledger_transaction t on t.operation_id = l.operation_id
             and t.dispute_id is null and (l.kind = 'refund') = (t.kind in ('refund', 'surplus_reversal'))
        left join lateral (select abs(x.amount) as amount, x.currency from core.ledger_line x
                           where x.transaction_id = t.id and x.line = 1) as b on true
        left join core.fee_rule r on r.account_id = p_file.account_id and r.kind = l.kind and r.currency = l.currency
        where l.file_id = p_file.id and l.kind not in ('fee', 'payout', 'other')
    ), judged as (
        select c.*, case
            when c.payment_id is null then 'missing_at_gateway'
            when c.kind in ('chargeback', 'chargeback_reversed') then
                case when not core.settlement_chargeback_v1(c.payment_id, c.kind, c.amount, c.currency)
                     then 'chargeback' end
            when c.our_at is null then 'status_mismatch'
            when c.again then 'duplicate_line'
            when c.currency <> c.our_currency then 'currency_mismatch'
            when c.amount <> c.our_amount then 'amount_mismatch'
            when c.fee <> c.our_fee then 'fee_mismatch'
            when c.net <> c.gross - c.fee then 'net_mismatch'
            when abs(extract(epoch from c.at - c.our_at)) > p_file.tolerance_s then 'date_mismatch'
        end as verdict
        from compared c
    )
    select j.verdict, j.line, j.operation_id, j.payment_id,
           case when j.our_status is not null or j.our_at is not null then json_build_object(
               'status', j.our_status, 'amount', j.our_amount, 'currency', j.our_currency, 'fee', j.our_fee,
               'at', core.iso_v1(j.our_at)) end,
           json_build_object('type', j.kind, 'reference', j.reference, 'psp_references', j.psp_refs,
                             'amount', j.amount, 'currency', j.currency, 'fee', j.fee, 'net', j.net,
                             'at', core.iso_v1(j.at))
    from judged j where j.verdict is not null
$$;
