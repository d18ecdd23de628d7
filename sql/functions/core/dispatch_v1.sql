-- DISPATCH: everything a connector's last step needs to send this operation, card data still sealed.
create or replace function core.dispatch_v1(p_op core.operation, p_payment core.payment, p_at timestamptz) returns json
language plpgsql stable as $$
declare
    v_account core.provider_account;
    v_token vault.token;
    v_cvv text;
    v_card json;
begin
    select * into strict v_account from core.provider_account a where a.id = p_op.account_id;
    if p_op.kind = 'authorize' then
        select * into strict v_token from vault.token t where t.id = p_payment.token_id;
        select c.ciphertext into v_cvv from vault.cvv c where c.token_id = v_token.id and c.expires_at > p_at;
        v_card := json_build_object(
            'token_id', v_token.id, 'ciphertext', v_token.ciphertext, 'key_id', v_token.key_id,
            'cvv_ciphertext', v_cvv, 'exp_month', v_token.exp_month, 'exp_year', v_token.exp_year,
            'holder_name', v_token.holder_name);
    end if;
    return json_build_object(
        'operation_id', p_op.id, 'kind', p_op.kind, 'epoch', p_op.epoch, 'payment_id', p_op.payment_id,
        'amount', p_op.amount, 'currency', p_op.currency, 'capture', p_op.capture, 'final', p_op.final,
        'provider_reference', p_op.provider_reference, 'parent_reference', p_op.parent_reference,
        'reference', p_payment.reference, 'description', p_payment.description,
        'account', json_build_object(
            'id', v_account.id, 'provider', v_account.provider, 'base_url', v_account.base_url,
            'credentials_ciphertext', v_account.credentials_ciphertext, 'key_id', v_account.key_id,
            'settings', v_account.settings),
        'card', v_card, 'had_cvv', p_op.had_cvv, 'looks', p_op.looks,
        'unknown_since', core.iso_v1(p_op.unknown_since));
end
$$;
