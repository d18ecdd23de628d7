-- What a payment is routed by. p: {payment_id, amount, currency, metadata?}; the card's country by the longest BIN.
create or replace function core.routing_facts_v1(p_merchant text, p jsonb, p_token vault.token) returns jsonb
language sql stable as $$
    select jsonb_build_object(
        'payment_id', p ->> 'payment_id', 'amount', (p ->> 'amount')::bigint, 'currency', p ->> 'currency',
        'brand', p_token.brand, 'bin', p_token.bin, 'method', 'card',
        'issuer_country', (core.bin_find_v1(p_token.bin)).issuer_country,
        'mcc', (select m.mcc from core.merchant m where m.id = p_merchant),
        'metadata', case when jsonb_typeof(p -> 'metadata') = 'object' then p -> 'metadata' else '{}' end)
$$;
