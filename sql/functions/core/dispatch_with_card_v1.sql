-- DISPATCH: everything a connector's last step needs to send this operation, card data still sealed. p_token and p_cvv
-- (its ciphertext, null once it is gone) matter for an authorization only.
create or replace function core.dispatch_with_card_v1(
    p_op core.operation, p_payment core.payment, p_token vault.token, p_cvv text) returns json
language plpgsql stable as $$
declare
    v_account core.provider_account;
    v_card json;
    v_dispatch json;
    v_declined_before boolean := false;
begin
    select * into strict v_account from core.provider_account a where a.id = p_op.account_id;
    if p_op.kind = 'authorize' then
        v_card := json_build_object(
            'token_id', p_token.id, 'ciphertext', p_token.ciphertext, 'key_id', p_token.key_id,
            'cvv_ciphertext', p_cvv, 'exp_month', p_token.exp_month, 'exp_year', p_token.exp_year,
            'holder_name', p_token.holder_name, 'brand', p_token.brand);
        -- Whether the payment's one hop because of a decline is spent; the first attempt has none before it.
        v_declined_before := p_payment.route_next > 1 and exists (
            select from core.operation o
            where o.payment_id = p_payment.id and o.kind = 'authorize' and o.status = 'declined' and o.id <> p_op.id);
    end if;
    v_dispatch := json_build_object(
        'operation_id', p_op.id, 'kind', p_op.kind, 'epoch', p_op.epoch, 'payment_id', p_op.payment_id,
        'amount', p_op.amount, 'currency', p_op.currency, 'capture', p_op.capture, 'final', p_op.final,
        'provider_reference', p_op.provider_reference, 'parent_reference', p_op.parent_reference,
        'reference', p_payment.reference, 'description', p_payment.description, 'mcc', p_payment.mcc,
        'account', json_build_object(
            'id', v_account.id, 'provider', v_account.provider, 'base_url', v_account.base_url,
            'credentials_ciphertext', v_account.credentials_ciphertext, 'key_id', v_account.key_id,
            'settings', v_account.settings),
        'card', v_card, 'declined_before', v_declined_before, 'had_cvv', p_op.had_cvv, 'looks', p_op.looks,
        'unknown_since', core.iso_v1(p_op.unknown_since), 'told', p_op.told);
    if p_op.kind = 'authorize' and p_payment.carries then
        return (v_dispatch::jsonb || core.payment_proof_v1(p_payment.id))::json;
    end if;
    return v_dispatch;
end
$$;
