-- What that cluster has not seen becomes unsent again (a new cluster has seen nothing). Looks behind the cluster's
-- watermark (sys.receipt_purge_v1), not at every event there ever was. p: {cluster} → {unsent}
create or replace function sys.outbox_republish_v1(p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp set enable_seqscan = off as $$
declare
    v_count bigint;
begin
    insert into core.outbox (position, payment_id)
    select e.position, e.payment_id from core.event e
    where e.position > coalesce((select c.position from core.cluster_seen c where c.cluster = p ->> 'cluster'), 0)
      and not exists (select from core.event_sent s where s.position = e.position and s.cluster = p ->> 'cluster')
    on conflict (position) do nothing;
    get diagnostics v_count = row_count;
    if v_count > 0 then
        perform pg_notify('payera_outbox', '');
    end if;
    return json_build_object('unsent', v_count);
end
$$;
