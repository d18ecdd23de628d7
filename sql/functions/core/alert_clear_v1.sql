-- What an alert was about is over.
create or replace function core.alert_clear_v1(p_kind text, p_subject text, p_at timestamptz) returns void
language plpgsql as $$
begin
    update core.alert a set cleared_at = p_at
    where a.kind = p_kind and a.subject = p_subject and a.cleared_at is null;
end
$$;
