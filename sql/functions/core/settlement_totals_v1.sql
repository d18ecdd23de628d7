-- What a file moved, per currency, in minor units: [{currency, sales, refunds, chargebacks, fees, net, paid_out}].
create or replace function core.settlement_totals_v1(p_file_id text) returns json
language sql stable as $$
    select coalesce(json_agg(json_build_object(
        'currency', t.currency, 'sales', t.sales, 'refunds', t.refunds, 'chargebacks', t.chargebacks, 'fees', t.fees,
        'net', t.net, 'paid_out', t.paid_out) order by t.currency), '[]')
    from (
        select l.currency,
               coalesce(sum(l.amount) filter (where l.kind = 'sale'), 0) as sales,
               coalesce(sum(l.amount) filter (where l.kind = 'refund'), 0) as refunds,
               coalesce(sum(case l.kind when 'chargeback' then l.amount when 'chargeback_reversed' then -l.amount end), 0)
                   as chargebacks,
               coalesce(sum(l.fee), 0) as fees,
               coalesce(sum(l.net) filter (where l.kind <> 'payout'), 0) as net,
               -sum(l.net) filter (where l.kind = 'payout') as paid_out
        from core.settlement_line l where l.file_id = p_file_id group by l.currency
    ) as t
$$;
