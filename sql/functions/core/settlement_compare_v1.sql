-- Write down what the matched lines of a file and the ledger do not agree about; returns how many things that is. A line
-- has one discrepancy at most, the first that applies:
--   missing_at_gateway  the PSP moved money of which we know nothing
--   chargeback          the shopper's bank took it back (or gave it back) and no notice of the PSP had told us
--   status_mismatch     we know the payment, but not that this money moved
--   duplicate_line      the same operation is settled twice, in this file or by an earlier one
--   currency_mismatch, amount_mismatch
--   fee_mismatch        not the fee of the account's table (core.fee_rule)
--   net_mismatch        gross less fee is not net
--   date_mismatch       further from our time than the tolerance
-- and without a line: missing_at_psp (in our ledger and in no file), total_mismatch (the payout is not the sum).
create or replace function core.settlement_compare_v1(p_file core.settlement_file, p_at timestamptz) returns int
language plpgsql as $$
declare
    v_count int;
begin
    insert into core.discrepancy (id, file_id, merchant, kind, line, operation_id, payment_id, expected, found, created_at)
    select 'dis_' || substr(p_file.id, 5) || '_' || lpad(row_number() over (order by d.line nulls last, d.operation_id)::text, 7, '0'),
           p_file.id, p_file.merchant, d.kind, d.line, d.operation_id, d.payment_id, d.expected, d.found, p_at
    from (
        select * from core.settlement_differences_v1(p_file)
        union all
        select * from core.settlement_missing_v1(p_file)
        union all
        select 'total_mismatch', null, null, null,
               json_build_object('amount', -sum(l.net) filter (where l.kind = 'payout'), 'currency', l.currency),
               json_build_object('amount', coalesce(sum(l.net) filter (where l.kind <> 'payout'), 0), 'currency', l.currency)
        from core.settlement_line l where l.file_id = p_file.id
        group by l.currency
        having sum(l.net) filter (where l.kind = 'payout')
               <> -coalesce(sum(l.net) filter (where l.kind <> 'payout'), 0)
    ) as d;
    get diagnostics v_count = row_count;
    return v_count;
end
$$;
