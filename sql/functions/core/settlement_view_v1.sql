-- A settlement file as the API shows it: not its content.
create or replace function core.settlement_view_v1(p core.settlement_file) returns json
language plpgsql stable as $$
declare
    v_kinds json;
    v_count bigint;
begin
    select coalesce(json_object_agg(k.kind, k.count order by k.kind), '{}'), coalesce(sum(k.count), 0)
    into v_kinds, v_count
    from (select d.kind, count(*) as count from core.discrepancy d where d.file_id = p.id group by d.kind) as k;
    return json_build_object(
        'id', p.id, 'object', 'settlement', 'provider', p.provider, 'provider_account', p.account_id,
        'status', p.status, 'period_from', core.iso_v1(p.period_from), 'period_to', core.iso_v1(p.period_to),
        'tolerance_s', p.tolerance_s, 'digest', p.digest, 'lines', p.lines, 'matched', p.matched,
        'discrepancies', v_count, 'by_kind', v_kinds, 'totals', coalesce(p.totals, '[]'), 'error', p.error,
        'created_at', core.iso_v1(p.created_at), 'reconciled_at', core.iso_v1(p.reconciled_at));
end
$$;
