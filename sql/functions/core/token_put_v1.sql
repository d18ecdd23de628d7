-- Store a card that the vault sealed (the card object of payment_begin_v1), and its CVV apart from it.
create or replace function core.token_put_v1(p_merchant text, p jsonb, p_at timestamptz) returns vault.token
language plpgsql as $$
declare
    v_token vault.token;
begin
    insert into vault.token (id, merchant, ciphertext, key_id, fingerprint, bin, last4, brand, exp_month, exp_year,
                             holder_name, created_at)
    values (p ->> 'token_id', p_merchant, p ->> 'ciphertext', p ->> 'key_id', p ->> 'fingerprint', p ->> 'bin',
            p ->> 'last4', p ->> 'brand', (p ->> 'exp_month')::int, (p ->> 'exp_year')::int, p ->> 'holder_name', p_at)
    returning * into v_token;
    if p ->> 'cvv_ciphertext' is not null then
        insert into vault.cvv (token_id, merchant, ciphertext, expires_at)
        values (v_token.id, p_merchant, p ->> 'cvv_ciphertext',
                coalesce((p ->> 'cvv_expires_at')::timestamptz, p_at + interval '15 minutes'));
    end if;
    return v_token;
end
$$;
