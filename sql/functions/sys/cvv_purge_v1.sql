-- Destroy the CVVs and the cryptograms past their time. p: {at} → [token id or payment id, …], so that their keys go as well
create or replace function sys.cvv_purge_v1(p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_answer json;
begin
    with codes as (
        delete from vault.cvv c where c.expires_at <= (p ->> 'at')::timestamptz returning c.token_id as id
    ), cryptograms as (
        delete from vault.authentication a where a.expires_at <= (p ->> 'at')::timestamptz returning a.payment_id as id
    )
    select coalesce(json_agg(g.id), '[]') into v_answer
    from (select id from codes union all select id from cryptograms) as g;
    return v_answer;
end
$$;
