-- What a file and the ledger do not agree about, in the order of the file; what the file lacks comes last.
-- p: {settlement_id, kind?, limit?, cursor?} → {data: [discrepancy view], has_more, next_cursor}
-- Raises PA404 settlement_not_found.
create or replace function api.settlement_discrepancies_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_limit int := core.page_limit_v1(p);
    v_cursor text := p ->> 'cursor';
    v_kind text := p ->> 'kind';
    v_file core.settlement_file;
    v_ids text[];
    v_views json[];
begin
    perform core.tenant_v1(p_merchant);
    v_file := core.settlement_find_v1(p ->> 'settlement_id');
    select array_agg(page.id), array_agg(json_build_object(
        'id', page.id, 'object', 'discrepancy', 'settlement', page.file_id, 'kind', page.kind, 'line', page.line,
        'operation', page.operation_id, 'payment', page.payment_id, 'expected', page.expected, 'found', page.found,
        'created_at', core.iso_v1(page.created_at)) order by page.id)
    into v_ids, v_views
    from (select * from core.discrepancy d
          where d.file_id = v_file.id and (v_cursor is null or d.id > v_cursor)
            and (v_kind is null or d.kind = v_kind)
          order by d.id limit v_limit + 1) as page;
    return core.page_v1(v_views, v_ids, v_limit);
end
$$;
