-- An alert as the API shows it.
create or replace function core.alert_view_v1(p core.alert) returns json
language plpgsql stable as $$
begin
    return json_build_object(
        'id', p.id, 'object', 'alert', 'kind', p.kind, 'subject', p.subject, 'merchant', p.merchant,
        'status', case when p.cleared_at is null then 'open' else 'closed' end, 'details', p.details, 'times', p.times,
        'raised_at', core.iso_v1(p.raised_at), 'last_at', core.iso_v1(p.last_at),
        'closed_at', core.iso_v1(p.cleared_at), 'closed_by', p.cleared_by);
end
$$;
