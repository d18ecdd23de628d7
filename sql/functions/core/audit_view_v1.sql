-- A row of the audit as the API shows it.
create or replace function core.audit_view_v1(p core.audit) returns json
language plpgsql stable as $$
begin
    return json_build_object(
        'id', p.id, 'object', 'audit_entry', 'position', p.position, 'at', core.iso_v1(p.at), 'operator', p.operator,
        'confirmed_by', p.confirmed_by, 'action', p.action, 'result', p.result, 'merchant', p.merchant,
        'payment', p.payment_id, 'subject', p.subject, 'why', p.why, 'before', p.before, 'after', p.after,
        'origin', p.origin, 'trace', p.trace_id, 'hash', p.hash, 'previous_hash', p.previous_hash);
end
$$;
