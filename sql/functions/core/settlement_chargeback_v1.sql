-- Whether the ledger has a movement of this kind (chargeback, chargeback_reversed) and amount, in minor units, for a payment: a
-- notice of the PSP told of it before the settlement file did.
create or replace function core.settlement_chargeback_v1(p_payment_id text, p_kind text, p_amount bigint, p_currency text)
returns boolean
language sql stable as $$
    select exists (
        select from core.ledger_transaction t join core.ledger_line l on l.transaction_id = t.id and l.line = 1
        where t.payment_id = p_payment_id and t.kind = p_kind and l.currency = p_currency and abs(l.amount) = p_amount)
$$;
