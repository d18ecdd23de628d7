-- Take the lines of a file, match each to the operation it is about, compare with the ledger, and say what differs: one
-- commit. Safe to repeat: a file is reconciled once.
-- p: {settlement_id, at, lines: [{line, kind, reference?, psp_refs, parent_refs, amount, currency, fee?, net?, at?}]}
-- → {result: "reconciled", matched, discrepancies} or {result: "already"}
create or replace function sys.settlement_reconcile_v1(p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_file core.settlement_file;
    v_found int;
begin
    select * into v_file from core.settlement_file f where f.id = p ->> 'settlement_id' for update;
    if v_file.id is null or v_file.status <> 'received' then
        return json_build_object('result', 'already');
    end if;
    -- One file of an account at a time: each must see what the others matched.
    perform pg_advisory_xact_lock(hashtextextended('settlement ' || v_file.account_id, 0));
    insert into core.settlement_line (file_id, line, merchant, account_id, kind, reference, psp_refs, parent_refs,
                                      amount, currency, fee, net, at)
    select v_file.id, l.line, v_file.merchant, v_file.account_id, l.kind, l.reference, l.psp_refs, l.parent_refs,
           l.amount, l.currency, l.fee, l.net, l.at
    from jsonb_to_recordset(p -> 'lines') as l (
        line int, kind text, reference text, psp_refs text[], parent_refs text[], amount bigint, currency text,
        fee bigint, net bigint, at timestamptz);
    if v_file.period_from is null or v_file.period_to is null then
        -- Whole days of UTC, as far as the lines go; a file without lines is about no time at all.
        select coalesce(v_file.period_from, min(date_trunc('day', l.at, 'UTC'))),
               coalesce(v_file.period_to, max(date_trunc('day', l.at, 'UTC')) + interval '1 day')
        into v_file.period_from, v_file.period_to
        from core.settlement_line l where l.file_id = v_file.id and l.kind in ('sale', 'refund');
    end if;
    perform core.settlement_match_v1(v_file);
    v_found := core.settlement_compare_v1(v_file, (p ->> 'at')::timestamptz);
    select count(*), count(*) filter (where l.operation_id is not null) into v_file.lines, v_file.matched
    from core.settlement_line l where l.file_id = v_file.id;
    update core.settlement_file f
    set status = 'reconciled', period_from = v_file.period_from, period_to = v_file.period_to, lines = v_file.lines,
        matched = v_file.matched, totals = core.settlement_totals_v1(v_file.id), lease_until = null,
        reconciled_at = (p ->> 'at')::timestamptz
    where f.id = v_file.id;
    return json_build_object('result', 'reconciled', 'matched', v_file.matched, 'discrepancies', v_found);
end
$$;
