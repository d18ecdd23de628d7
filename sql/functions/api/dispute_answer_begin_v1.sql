-- The merchant answers a dispute: the intent is written before the PSP is asked, so that a PSP's "lost" after an acceptance is
-- understood whichever comes first. Safe to repeat: a PSP refuses what it has already.
-- p: {dispute_id, answer: "accept" | "evidence", at} → {dispute: view, provider_reference, account: {id, provider, base_url,
--     credentials_ciphertext, key_id, settings}}
-- Raises PA404 dispute_not_found, PA410 dispute_not_open.
create or replace function api.dispute_answer_begin_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    d core.dispute;
    v_account core.provider_account;
begin
    perform core.tenant_v1(p_merchant);
    perform core.lock_payment_v1(o.payment_id) from core.dispute o where o.id = p ->> 'dispute_id';
    select * into d from core.dispute o where o.id = p ->> 'dispute_id';
    if d.id is null then
        perform core.refuse_v1('PA404', 'dispute_not_found', 'No such dispute.');
    elsif d.status not in ('inquiry', 'needs_response', 'pre_arbitration') then
        perform core.refuse_v1('PA410', 'dispute_not_open',
                               format('A dispute that is %s takes no answer.', replace(d.status, '_', ' ')));
    end if;
    if p ->> 'answer' = 'accept' then
        d.accept_requested_at := coalesce(d.accept_requested_at, (p ->> 'at')::timestamptz);
        update core.dispute o set accept_requested_at = d.accept_requested_at where o.id = d.id;
    end if;
    select * into strict v_account from core.provider_account a where a.id = d.account_id;
    return json_build_object(
        'dispute', core.dispute_view_v1(d), 'provider_reference', d.provider_reference,
        'account', json_build_object(
            'id', v_account.id, 'provider', v_account.provider, 'base_url', v_account.base_url,
            'credentials_ciphertext', v_account.credentials_ciphertext, 'key_id', v_account.key_id,
            'settings', v_account.settings));
end
$$;
