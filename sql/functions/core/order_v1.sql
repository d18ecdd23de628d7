-- Ask the relay to start or wake the payment's workflow. One waiting order per payment; the update holds its row until
-- our commit, so that the relay can't take it before what it is about is visible. p_not_before defers it to the end of
-- a live lease; null means at once, and at once wins.
create or replace function core.order_v1(
    p_id text, p_merchant text, p_payment_id text, p_not_before timestamptz default null) returns void
language plpgsql as $$
begin
    insert into core.workflow_order as o (id, merchant, payment_id, not_before)
    values (coalesce(p_id, 'ord_' || replace(gen_random_uuid()::text, '-', '')), p_merchant, p_payment_id, p_not_before)
    on conflict (payment_id) where lease_until is null do update
    set not_before = case when o.not_before is null or excluded.not_before is null then null
                          else least(o.not_before, excluded.not_before) end;
    perform pg_notify('payera_order', '');
end
$$;
