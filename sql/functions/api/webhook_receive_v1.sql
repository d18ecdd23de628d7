-- Store verified notifications before the PSP gets its 2xx: deduplicate by (account, event id), match to operations,
-- mark those that are not settled as hinted, order their workflows; one commit. Unmatched facts are kept and matched
-- again when an apply learns the reference. A live lease defers the wake: its holder is about to know more.
-- A fact with an outcome is the truth: it is kept as `told` for the resolver to apply, if it is news. A "no" about what
-- stands approved, or was told so, is an alert; so is the reverse for everything but an authorization, whose late
-- approval has rules of its own.
-- A fact with a dispute is applied here and now (core.dispute_tell_v1): nothing has to be asked or waited for.
-- p: {account_id, facts: [{event_id, event_type, operation_id?, provider_reference?, outcome?: OUTCOME,
--                          undoes?: whether it speaks of what was confirmed before, dispute?: DISPUTE}],
--     body_ciphertext?, at, order_id}
-- → {stored, duplicates, payments: [id, …]}
-- Raises PA404 provider_account_not_found.
create or replace function api.webhook_receive_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_fact jsonb;
    v_op core.operation;
    v_outcome jsonb;
    v_stored int := 0;
    v_duplicates int := 0;
    v_payments text[] := '{}';
begin
    perform core.tenant_v1(p_merchant);
    perform 1 from core.provider_account a where a.id = p ->> 'account_id';
    if not found then
        perform core.refuse_v1('PA404', 'provider_account_not_found', 'No such provider account.');
    end if;
    for v_fact in select * from jsonb_array_elements(p -> 'facts') loop
        v_op := core.webhook_match_v1(p ->> 'account_id', v_fact);
        v_outcome := nullif(v_fact -> 'outcome', 'null');
        insert into core.webhook_inbox (account_id, event_id, merchant, event_type, operation_id, provider_reference,
                                        payment_id, outcome, dispute, body_ciphertext, received_at)
        values (p ->> 'account_id', v_fact ->> 'event_id', p_merchant, v_fact ->> 'event_type',
                v_fact ->> 'operation_id', v_fact ->> 'provider_reference', v_op.payment_id, v_outcome,
                nullif(v_fact -> 'dispute', 'null'),
                p ->> 'body_ciphertext',
                (p ->> 'at')::timestamptz)
        on conflict (account_id, event_id) do nothing;
        if not found then
            v_duplicates := v_duplicates + 1;
            continue;
        end if;
        v_stored := v_stored + 1;
        if v_op.id is not null then
            v_payments := v_payments || v_op.payment_id;
            if v_fact -> 'dispute' <> 'null' then
                perform core.dispute_tell_v1(v_op, v_fact -> 'dispute', v_fact ->> 'event_id', v_fact ->> 'event_type',
                                             (p ->> 'at')::timestamptz);
            end if;
            -- An approval that stands needs no hint, unless the PSP says that it does not stand any longer; a settled
            -- "no" needs one: the PSP may contradict itself.
            if v_op.status <> 'reversed'
               -- That a capture at once failed counts for an authorization that is known to be one.
               and (v_op.kind <> 'authorize' or v_op.status = 'approved'
                    or v_outcome ->> 'kind' is distinct from 'reversed')
               and (core.is_news_v1(v_op.status, v_outcome)
                    or v_outcome is null
                       and (v_op.status <> 'approved' or coalesce((v_fact ->> 'undoes')::boolean, false))) then
                update core.operation o set
                    hinted = true,
                    told = core.tell_v1(o.told, v_outcome),
                    provider_reference = coalesce(o.provider_reference, v_fact ->> 'provider_reference')
                where o.id = v_op.id;
                perform core.order_v1(case when v_stored = 1 then p ->> 'order_id' end, p_merchant, v_op.payment_id,
                                      case when v_op.lease_until > clock_timestamp() then v_op.lease_until end);
            end if;
            if v_outcome ->> 'kind' = 'declined' and 'approved' in (v_op.status, v_op.told ->> 'kind')
               or v_outcome ->> 'kind' = 'approved' and 'declined' in (v_op.status, v_op.told ->> 'kind')
                  and v_op.kind <> 'authorize' then
                perform core.contradict_v1(
                    v_op.id, 'evt_' || left(md5((p ->> 'account_id') || (v_fact ->> 'event_id')), 26),
                    (p ->> 'at')::timestamptz);
            end if;
        end if;
    end loop;
    return json_build_object('stored', v_stored, 'duplicates', v_duplicates, 'payments', v_payments);
end
$$;
