-- DISPATCH of an operation whose token, if it needs one, is read now.
create or replace function core.dispatch_v1(p_op core.operation, p_payment core.payment, p_at timestamptz)
returns json
language plpgsql stable as $$
declare
    v_token vault.token;
    v_cvv text;
begin
    if p_op.kind = 'authorize' then
        select * into strict v_token from vault.token t where t.id = p_payment.token_id;
        if p_op.supersedes is not null then
            -- Initiated by the merchant: never with a CVV, but with the network's id of what the shopper agreed to.
            return (core.dispatch_with_card_v1(p_op, p_payment, v_token, null)::jsonb || jsonb_build_object(
                'merchant_initiated', true, 'network_transaction_id', (
                    select o.network_transaction_id from core.operation o where o.id = p_op.supersedes)))::json;
        end if;
        if p_op.had_cvv then
            select c.ciphertext into v_cvv from vault.cvv c where c.token_id = v_token.id and c.expires_at > p_at;
        end if;
    end if;
    return core.dispatch_with_card_v1(p_op, p_payment, v_token, v_cvv);
end
$$;
