-- What chains a row of the audit to the one before: sha256 of everything in it, the previous hash included.
create or replace function core.audit_hash_v1(p core.audit) returns text
language sql stable parallel safe as $$
    select encode(sha256(convert_to(json_build_array(
        p.previous_hash, p.position, p.id, (extract(epoch from p.at) * 1000000)::bigint, p.operator, p.confirmed_by,
        p.action, p.result, p.merchant, p.payment_id, p.subject, p.why, p.before::text, p.after::text, p.origin,
        p.trace_id, (extract(epoch from p.recorded_real) * 1000000)::bigint)::text, 'UTF8')), 'hex')
$$;
