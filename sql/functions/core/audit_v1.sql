-- Write down what an operator did: the only way into core.audit. The end of the chain is locked, so actions stand one
-- after the other, and the lock is taken last in every transaction that takes others.
-- p: {operator, confirmed_by?, action, result, merchant?, payment_id?, subject?, why?, before?, after?, origin?, at} → id
create or replace function core.audit_v1(p jsonb) returns text
language plpgsql as $$
declare
    v_at timestamptz := (p ->> 'at')::timestamptz;
    v_head core.audit_head;
    v_row core.audit;
begin
    select * into strict v_head from core.audit_head h where h.single for update;
    v_row.position := v_head.position + 1;
    v_row.id := core.id_v1('aud', v_at);
    v_row.at := v_at;
    v_row.operator := p ->> 'operator';
    v_row.confirmed_by := p ->> 'confirmed_by';
    v_row.action := p ->> 'action';
    v_row.result := p ->> 'result';
    v_row.merchant := p ->> 'merchant';
    v_row.payment_id := p ->> 'payment_id';
    v_row.subject := p ->> 'subject';
    v_row.why := p ->> 'why';
    v_row.before := nullif(p -> 'before', 'null')::json;
    v_row.after := nullif(p -> 'after', 'null')::json;
    v_row.origin := p ->> 'origin';
    v_row.trace_id := core.trace_v1();
    v_row.recorded_real := clock_timestamp();
    v_row.previous_hash := v_head.hash;
    v_row.hash := core.audit_hash_v1(v_row);
    insert into core.audit values (v_row.*);
    update core.audit_head h set position = v_row.position, hash = v_row.hash where h.single;
    return v_row.id;
end
$$;
