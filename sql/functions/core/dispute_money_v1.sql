-- Post what a notice says of a dispute's money and the ledger does not have yet: each movement up to the count that was told,
-- taken and given back in turn, then what the PSP charged or gave back as its fee. A count is never taken back, so that
-- notices may come twice and in any order. Changes both rows in memory; the caller saves them.
create or replace function core.dispute_money_v1(
    s core.dispute_progress, p_fact jsonb, p_fresh boolean, p_at timestamptz) returns core.dispute_progress
language plpgsql as $$
declare
    d core.dispute := s.dispute;
    v_payment core.payment := s.payment;
    v_told int := (p_fact ->> 'moves')::int;
    v_before int := d.moves;
    v_moves int := greatest(d.moves, coalesce(v_told, 0));
    v_fee bigint := coalesce((p_fact ->> 'fee')::bigint, d.fee);
begin
    -- Told only where the money is: one movement more, if it is not there yet.
    if v_told is null and p_fresh
       and p_fact ->> 'funds' = (case v_moves % 2 when 0 then 'withdrawn' else 'returned' end) then
        v_moves := v_moves + 1;
    end if;
    while d.moves < v_moves loop
        d.moves := d.moves + 1;
        if d.moves % 2 = 1 then
            d.amount_withdrawn := d.amount;
            v_payment.ledger_hash := core.dispute_post_v1(v_payment, d, 'chargeback', d.amount, p_at);
        else
            v_payment.ledger_hash := core.dispute_post_v1(v_payment, d, 'chargeback_reversed', d.amount_withdrawn, p_at);
            d.amount_withdrawn := 0;
        end if;
    end loop;
    if v_fee <> d.fee and p_fresh and coalesce(v_told, v_before) >= v_before then
        v_payment.ledger_hash := core.dispute_post_v1(
            v_payment, d, case when v_fee > d.fee then 'dispute_fee' else 'dispute_fee_reversed' end,
            abs(v_fee - d.fee), p_at);
        d.fee := v_fee;
    end if;
    s.payment := v_payment;
    s.dispute := d;
    return s;
end
$$;
