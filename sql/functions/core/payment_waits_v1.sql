-- Whether something of this payment still outlives the request: for callers that repeat an apply.
create or replace function core.payment_waits_v1(p core.payment) returns boolean
language plpgsql stable as $$
begin
    return p.status in ('processing', 'requires_action')
        or exists (select from core.operation o where o.payment_id = p.id and core.is_live_v1(o.status)
                                                  and o.status <> 'review');
end
$$;
