-- Whether the audit is whole: every row's hash fits its content and the row before, none is missing, and the last one is
-- the one that was written last. p: {} → {entries, broken: [position of what does not fit], truncated: bool, head: hash}
create or replace function sys.audit_verify_v1(p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_head core.audit_head;
    v_answer json;
begin
    select * into strict v_head from core.audit_head h where h.single;
    select json_build_object(
        'entries', count(*),
        'broken', coalesce(json_agg(c.position order by c.position) filter (where c.hash <> c.expected
            or c.previous_hash <> c.before or c.position <> c.place), '[]'),
        'truncated', coalesce(max(c.position), 0) < v_head.position
            or coalesce((array_agg(c.hash order by c.position desc))[1], repeat('0', 64)) <> v_head.hash,
        'head', v_head.hash)
    into v_answer
    from (select a.position, a.hash, a.previous_hash, core.audit_hash_v1(a) as expected,
                 lag(a.hash, 1, repeat('0', 64)) over (order by a.position) as before,
                 row_number() over (order by a.position) as place
          from core.audit a where a.position <= v_head.position) as c;
    return v_answer;
end
$$;
