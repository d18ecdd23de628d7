-- Destroy the CVVs past their time. p: {at} → [token id, …], so that their keys go as well
create or replace function sys.cvv_purge_v1(p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_answer json;
begin
    with gone as (delete from vault.cvv c where c.expires_at <= (p ->> 'at')::timestamptz returning c.token_id)
    select coalesce(json_agg(g.token_id), '[]') into v_answer from gone g;
    return v_answer;
end
$$;
