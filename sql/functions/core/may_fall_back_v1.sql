-- Whether another PSP may be asked at once after this declined attempt: every row of the cascade table that speaks of its
-- reason, its response code or its advice says "once", and the payment's one hop because of a decline is not spent.
-- p_scheme: the card's brand. The same verdict as gateway/domain/cascade.py.
create or replace function core.may_fall_back_v1(p_op core.operation, p_scheme text, p_at timestamptz) returns boolean
language plpgsql stable as $$
declare
    v_once boolean;
begin
    select bool_and(r.fallback = 'once') and bool_or(r.reason is not null) into v_once
    from core.cascade_rule r
    where (r.scheme is null or r.scheme = p_scheme)
      and r.since <= (p_at at time zone 'UTC')::date
      and (r.reason = p_op.reason or r.code = p_op.network_code or r.advice = p_op.network_advice);
    return coalesce(v_once, false) and not exists (
        select from core.operation o
        where o.payment_id = p_op.payment_id and o.kind = 'authorize' and o.status = 'declined' and o.id <> p_op.id);
end
$$;
