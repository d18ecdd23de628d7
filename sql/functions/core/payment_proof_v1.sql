-- What DISPATCH says more of a payment that brings something along: merchant_initiated, network_transaction_id, three_ds
-- (with the cryptogram's ciphertext, null once it is gone).
create or replace function core.payment_proof_v1(p_payment text) returns jsonb
language plpgsql stable as $$
declare
    v_proof core.payment_proof;
begin
    select * into strict v_proof from core.payment_proof f where f.payment_id = p_payment;
    return jsonb_build_object(
        'merchant_initiated', v_proof.network_transaction_id is not null,
        'network_transaction_id', v_proof.network_transaction_id,
        'three_ds', v_proof.three_ds::jsonb || jsonb_build_object('cavv_ciphertext', (
            select a.ciphertext from vault.authentication a where a.payment_id = p_payment)));
end
$$;
