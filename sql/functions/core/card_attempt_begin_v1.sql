-- Count an attempt with a card before it is sent: null, or {rule, until} of the rule that forbids it, and then nothing
-- is counted. The card stays locked to the end of the transaction: the verdict and the count are one step.
create or replace function core.card_attempt_begin_v1(
    p_operation text, p_token vault.token, p_amount bigint, p_currency text, p_at timestamptz,
    p_initiator text default 'cardholder', p_authenticated boolean default false) returns json
language plpgsql as $$
declare
    v_expiry text := format('%s-%s', p_token.exp_year, p_token.exp_month);
    v_refused json;
begin
    perform pg_advisory_xact_lock(hashtextextended(p_token.merchant || ' ' || p_token.fingerprint, 0));
    v_refused := core.retry_verdict_v1(p_token.merchant, p_token.fingerprint, p_token.brand, p_at, p_amount, p_currency,
                                       v_expiry, p_token.id, p_initiator, p_authenticated);
    if v_refused is null then
        insert into core.card_attempt (operation_id, merchant, fingerprint, at, amount, currency, expiry, entry)
        values (p_operation, p_token.merchant, p_token.fingerprint, p_at, p_amount, p_currency, v_expiry, p_token.id);
    end if;
    return v_refused;
end
$$;
