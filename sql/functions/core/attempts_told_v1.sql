-- All attempts of a payment that came to rest, in the order in which they were made, for the event that ends its
-- authorization; null where that event is another one. p_op: what the event is about, saved already; it may be null. A
-- re-authorization is no attempt: nobody chose a PSP for it.
create or replace function core.attempts_told_v1(p_type text, p_payment core.payment, p_op core.operation) returns json
language plpgsql stable as $$
begin
    if not (p_type in ('payment.declined', 'payment.failed')
            or p_type in ('payment.authorized', 'payment.captured') and p_op.kind is not distinct from 'authorize'
               and p_op.supersedes is null
            or p_type = 'payment.canceled' and p_payment.winner is null) then
        return null;
    elsif p_payment.route_next = 1 and p_op.kind is not distinct from 'authorize' and p_op.settled_at is not null then
        return json_build_array(core.attempt_told_v1(p_payment, p_op));  -- the common case: nobody else was asked
    end if;
    return (select json_agg(core.attempt_told_v1(p_payment, o) order by o.created_at, o.id)
            from core.operation o
            where o.payment_id = p_payment.id and o.kind = 'authorize' and o.settled_at is not null
              and o.supersedes is null and o.status in ('approved', 'reversed', 'declined', 'not_sent', 'absent'));
end
$$;
