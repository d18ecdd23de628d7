-- The first condition of a rule that does not hold for a payment, or null. Absent conditions ask nothing.
-- p_when: {brand?, bin?, issuer_country?, currency?, amount?: {at_least?, below?}, method?, mcc?, metadata?: {key: [..]}}
-- p_facts: {amount, currency, brand, bin, issuer_country?, method, mcc?, metadata}
create or replace function core.routing_fails_v1(p_when jsonb, p_facts jsonb) returns text
language sql immutable parallel safe as $$
    select case
        when not coalesce(p_when -> 'brand' ? (p_facts ->> 'brand'), p_when -> 'brand' is null) then 'brand'
        when p_when -> 'bin' is not null
             and not exists (select from jsonb_array_elements_text(p_when -> 'bin') as prefix
                             where starts_with(p_facts ->> 'bin', prefix)) then 'bin'
        when p_when -> 'issuer_country' is not null
             and not coalesce(p_when -> 'issuer_country' ? (p_facts ->> 'issuer_country'), false) then 'issuer_country'
        when p_when -> 'currency' is not null and not p_when -> 'currency' ? (p_facts ->> 'currency') then 'currency'
        when (p_facts ->> 'amount')::bigint < (p_when -> 'amount' ->> 'at_least')::bigint then 'amount'
        when (p_facts ->> 'amount')::bigint >= (p_when -> 'amount' ->> 'below')::bigint then 'amount'
        when p_when -> 'method' is not null and not p_when -> 'method' ? (p_facts ->> 'method') then 'method'
        when p_when -> 'mcc' is not null and not coalesce(p_when -> 'mcc' ? (p_facts ->> 'mcc'), false) then 'mcc'
        when exists (select from jsonb_each(coalesce(p_when -> 'metadata', '{}')) as wanted (key, allowed)
                     where not coalesce(wanted.allowed ? (p_facts -> 'metadata' ->> wanted.key), false)) then 'metadata'
    end
$$;
