-- The authorization that a refund of this amount is taken from: the payment's own, or, where a re-authorization took its
-- place after a part was captured, the oldest one whose captured money still covers the amount, since a PSP gives back
-- what it took itself. Raises PA422 refund_spans_authorizations where none does alone.
create or replace function core.refund_source_v1(p_payment core.payment, p_amount bigint) returns core.operation
language plpgsql stable as $$
declare
    v_source core.operation;
    v_money bigint;
    v_most bigint := 0;
begin
    if not exists (select from core.operation o where o.payment_id = p_payment.id and o.superseded_by is not null) then
        select * into strict v_source from core.operation o where o.id = p_payment.winner;
        return v_source;
    end if;
    for v_source in
        select * from core.operation o
        where o.payment_id = p_payment.id and o.kind = 'authorize' and o.status = 'approved' and not o.surplus
        order by o.created_real
    loop
        select coalesce(sum(case when o.kind = 'refund' then -o.amount else o.amount end), 0)
               + case when v_source.captured then v_source.amount_approved else 0 end
        into v_money
        from core.operation o
        where o.payment_id = p_payment.id and o.parent_reference = v_source.provider_reference and o.reversal_of is null
          and (o.kind = 'capture' and o.status = 'approved'
               or o.kind = 'refund' and (o.status = 'approved' or core.is_live_v1(o.status)));
        if v_money >= p_amount then
            return v_source;
        end if;
        v_most := greatest(v_most, v_money);
    end loop;
    perform core.refuse_v1('PA422', 'refund_spans_authorizations', format(
        'The money was captured from more than one authorization: refund %s at most at a time.', v_most));
    return null;
end
$$;
