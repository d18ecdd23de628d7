-- Raise an alert, or count it once more while it is open. Whoever tells people is notified.
create or replace function core.alert_raise_v1(
    p_kind text, p_subject text, p_merchant text, p_details jsonb, p_at timestamptz) returns void
language plpgsql as $$
begin
    insert into core.alert as a (id, merchant, kind, subject, details, raised_at, last_at)
    values (core.id_v1('alr', p_at), p_merchant, p_kind, p_subject, p_details, p_at, p_at)
    on conflict (kind, subject) where cleared_at is null
    do update set times = a.times + 1, last_at = excluded.last_at, details = excluded.details;
    perform pg_notify('payera_alert', '');
end
$$;
