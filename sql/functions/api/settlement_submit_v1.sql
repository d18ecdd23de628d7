-- Keep a settlement file until reporting has matched it. The same content of the same account again is the file that is
-- there already.
-- p: {settlement_id, account_id, content, digest, period_from?, period_to?, tolerance_s, at} → settlement view
-- Raises PA404 provider_account_not_found, PA422 period_invalid.
create or replace function api.settlement_submit_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_account core.provider_account;
    v_row core.settlement_file;
begin
    perform core.tenant_v1(p_merchant);
    v_account := core.provider_account_find_v1(p ->> 'account_id');
    if (p ->> 'period_from')::timestamptz >= (p ->> 'period_to')::timestamptz then
        perform core.refuse_v1('PA422', 'period_invalid', 'The period ends before it begins.');
    end if;
    insert into core.settlement_file (id, merchant, account_id, provider, content, digest, period_from, period_to,
                                      tolerance_s, created_at)
    values (p ->> 'settlement_id', p_merchant, v_account.id, v_account.provider, p ->> 'content', p ->> 'digest',
            (p ->> 'period_from')::timestamptz, (p ->> 'period_to')::timestamptz, (p ->> 'tolerance_s')::int,
            (p ->> 'at')::timestamptz)
    on conflict (account_id, digest) do nothing
    returning * into v_row;
    if v_row.id is null then
        select * into v_row from core.settlement_file f
        where f.account_id = v_account.id and f.digest = p ->> 'digest';
    else
        perform pg_notify('payera_settlement', '');
    end if;
    return core.settlement_view_v1(v_row);
end
$$;
