-- Keep what a payment brings along from elsewhere: p.network_transaction_id, p.three_ds {version, eci, ds_transaction_id,
-- xid?, cavv_ciphertext, cavv_expires_at}. The cryptogram goes to the vault, the rest beside the payment.
create or replace function core.payment_proof_put_v1(p_merchant text, p jsonb) returns void
language plpgsql as $$
declare
    v_proof jsonb := case when jsonb_typeof(p -> 'three_ds') = 'object' then p -> 'three_ds' end;
begin
    insert into core.payment_proof (payment_id, merchant, network_transaction_id, three_ds)
    values (p ->> 'payment_id', p_merchant, p ->> 'network_transaction_id',
            v_proof - 'cavv_ciphertext' - 'cavv_expires_at');
    if v_proof is not null then
        insert into vault.authentication (payment_id, merchant, ciphertext, expires_at)
        values (p ->> 'payment_id', p_merchant, v_proof ->> 'cavv_ciphertext',
                (v_proof ->> 'cavv_expires_at')::timestamptz);
    end if;
end
$$;
