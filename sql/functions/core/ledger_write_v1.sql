-- The one place that writes the ledger: two lines, the PSP's receivable first and `p_other` against it, chained by hash.
-- p_signed: minor units on the receivable, a debit positive. p_dispute and p_step: of a dispute's movements, which post
-- several times about one operation. Returns the new hash, which the caller keeps in the payment:
-- sha256 of previous_hash followed by one text line "account|currency|amount" per ledger line.
create or replace function core.ledger_write_v1(
    p_payment core.payment, p_id text, p_kind text, p_operation text, p_provider text, p_other text, p_currency text,
    p_signed bigint, p_at timestamptz, p_dispute text default null, p_step int default null) returns text
language plpgsql as $$
declare
    v_psp text := 'psp:' || p_provider || ':receivable';
    v_previous text := coalesce(p_payment.ledger_hash, repeat('0', 64));
    v_position int := 1;
    v_hash text;
begin
    if p_payment.ledger_hash is not null then
        select count(*) + 1 into v_position from core.ledger_transaction t where t.payment_id = p_payment.id;
    end if;
    v_hash := encode(sha256(convert_to(
        v_previous || v_psp || '|' || p_currency || '|' || p_signed || E'\n'
                   || p_other || '|' || p_currency || '|' || -p_signed || E'\n', 'UTF8')), 'hex');
    insert into core.ledger_transaction (id, merchant, payment_id, position, kind, operation_id, dispute_id, step, at,
                                         previous_hash, hash)
    values (p_id, p_payment.merchant, p_payment.id, v_position, p_kind, p_operation, p_dispute, p_step, p_at,
            v_previous, v_hash);
    insert into core.ledger_line (transaction_id, line, merchant, account, currency, amount)
    values (p_id, 1, p_payment.merchant, v_psp, p_currency, p_signed),
           (p_id, 2, p_payment.merchant, p_other, p_currency, -p_signed);
    return v_hash;
end
$$;
