-- Find the operation that each line of a file is about: by our own id where the PSP gave it back, else by the PSP's; and
-- the payment at least, where only what the money moved from is known to us.
create or replace function core.settlement_match_v1(p_file core.settlement_file) returns void
language plpgsql as $$
begin
    update core.settlement_line l set operation_id = o.id, payment_id = o.payment_id
    from core.operation o
    where l.file_id = p_file.id and l.kind in ('sale', 'refund')
      and o.id = l.reference and o.account_id = p_file.account_id;

    -- The PSP's own id of a capture says more than our id of the attempt behind it, where it belongs to one capture only.
    update core.settlement_line l set operation_id = m.id, payment_id = m.payment_id
    from (
        select x.line, min(o.id) as id, min(o.payment_id) as payment_id
        from core.settlement_line x
        left join core.operation a on a.id = x.operation_id
        join core.operation o on o.account_id = p_file.account_id and o.provider_reference = any (x.psp_refs)
        where x.file_id = p_file.id and x.kind in ('sale', 'refund')
          and (a.id is null or (a.kind = 'authorize' and not a.captured))
          and o.kind = case x.kind when 'sale' then 'capture' else 'refund' end
        group by x.line having count(*) = 1
    ) as m
    where l.file_id = p_file.id and l.line = m.line;

    update core.settlement_line l set operation_id = m.id, payment_id = m.payment_id
    from (
        select distinct on (x.line) x.line, o.id, o.payment_id
        from core.settlement_line x
        join core.operation o on o.account_id = p_file.account_id and o.provider_reference = any (x.psp_refs)
        where x.file_id = p_file.id and x.operation_id is null and x.kind = 'sale' and o.kind = 'authorize'
        order by x.line, o.id
    ) as m
    where l.file_id = p_file.id and l.line = m.line;

    -- An authorization moves no money, its captures do; some PSPs name them by the authorization alone. The lines of
    -- one authorization and its captures are paired by amount; a line too many goes to the last of them, twice.
    -- One authorization at a time, by its own index: a join of the two numbered sets would compare all with all.
    update core.settlement_line l set operation_id = c.id
    from (
        select x.line, o.payment_id, row_number() over (partition by o.id order by x.amount, x.line) as place
        from core.settlement_line x join core.operation o on o.id = x.operation_id
        where x.file_id = p_file.id and x.kind = 'sale' and o.kind = 'authorize' and not o.captured
    ) as n
    cross join lateral (
        select k.id
        from (select o.id, row_number() over (order by o.amount, o.id) as place
              from core.operation o
              where o.payment_id = n.payment_id and o.kind = 'capture' and o.status = 'approved'
                and o.account_id = p_file.account_id) as k
        where k.place <= n.place order by k.place desc limit 1
    ) as c
    where l.file_id = p_file.id and l.line = n.line;

    update core.settlement_line l set payment_id = m.payment_id
    from (
        select distinct on (x.line) x.line, o.payment_id
        from core.settlement_line x
        join core.operation o on o.account_id = p_file.account_id
             and (o.provider_reference = any (x.parent_refs || x.psp_refs) or o.id = any (x.parent_refs || x.reference))
        where x.file_id = p_file.id and x.payment_id is null and x.kind not in ('fee', 'payout', 'other')
        order by x.line, o.id
    ) as m
    where l.file_id = p_file.id and l.line = m.line;
end
$$;
