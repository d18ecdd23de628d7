-- Whether a card may be tried at this merchant now: null, or {rule, until} of the strictest rule that forbids it. For
-- ever (until null) beats a date, a later date an earlier one. The same verdict as gateway/domain/retries.py.
-- Whoever acts on it holds the card's lock (card_attempt_begin_v1), else two callers pass a cap together.
create or replace function core.retry_verdict_v1(
    p_merchant text, p_fingerprint text, p_scheme text, p_at timestamptz, p_amount bigint, p_currency text,
    p_expiry text, p_entry text, p_initiator text, p_authenticated boolean) returns json
language plpgsql stable as $$
declare
    v_rule text;
    v_until timestamptz;
    v_counted bigint;
    v_declined boolean;
begin
    -- The common case, kept cheap: nothing was declined since the last approval, and too little is under way for a cap.
    select count(*), coalesce(bool_or(a.outcome = 'declined'), false) into v_counted, v_declined
    from core.card_attempt a where a.merchant = p_merchant and a.fingerprint = p_fingerprint;
    if v_counted = 0 or (not v_declined and v_counted < (select min(c.max_attempts) from core.retry_cap c)) then
        return null;
    end if;
    with tried as materialized (
        select * from core.card_attempt a where a.merchant = p_merchant and a.fingerprint = p_fingerprint
    ), refused (rule, until) as (
        select r.id, case r.kind when 'wait' then t.at + make_interval(secs => r.wait_s) end
        from tried t
        join core.retry_rule r on r.code = t.code or r.advice = coalesce(t.advice, '')
        where t.outcome = 'declined'
          and (r.scheme is null or r.scheme = p_scheme)
          and (not r.merchant_only or p_initiator = 'merchant')
          and r.since <= (t.at at time zone 'UTC')::date
          and (r.until is null or (t.at at time zone 'UTC')::date < r.until)
          and case r.kind
                  when 'wait' then p_at < t.at + make_interval(secs => r.wait_s)
                  when 'new_data' then case r.data when 'expiry' then t.expiry = p_expiry
                                                   when 'entry' then t.entry = p_entry
                                                   else not p_authenticated end
                  else true
              end
        union all
        -- The limit-th youngest in the window is the one that must leave it first.
        select c.id, counted.at + make_interval(secs => c.window_s)
        from core.retry_cap c
        cross join lateral (
            select t.at from tried t
            where t.at > p_at - make_interval(secs => c.window_s)
              and (not c.same_amount or (t.amount = p_amount and t.currency = p_currency))
            order by t.at desc offset c.max_attempts - 1 limit 1
        ) as counted
        where c.scheme = p_scheme
    )
    select r.rule, r.until into v_rule, v_until from refused r
    order by r.until is not null, r.until desc, r.rule limit 1;
    if v_rule is null then
        return null;
    end if;
    return json_build_object('rule', v_rule, 'until', core.iso_v1(v_until));
end
$$;
