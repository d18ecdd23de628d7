-- What the PSP said to the merchant's answer. An acceptance that the PSP took is the end of the dispute (of an inquiry the PSP's
-- notice says what became of it); evidence is noted, the PSP's notice moves the status. What was refused is forgotten,
-- what is unknown stays as an intent.
-- p: {dispute_id, answer: "accept" | "evidence", result: "done" | "refused", at, event_id} → dispute view
-- Raises PA404 dispute_not_found.
create or replace function api.dispute_answer_end_v1(p_merchant text, p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    s core.dispute_progress;
    d core.dispute;
    v_at timestamptz := (p ->> 'at')::timestamptz;
begin
    perform core.tenant_v1(p_merchant);
    select * into d from core.dispute o where o.id = p ->> 'dispute_id';
    if d.id is null then
        perform core.refuse_v1('PA404', 'dispute_not_found', 'No such dispute.');
    end if;
    s.payment := core.lock_payment_v1(d.payment_id);
    select * into d from core.dispute o where o.id = d.id;  -- again, under the lock
    if p ->> 'answer' = 'evidence' and p ->> 'result' = 'done' then
        d.evidence_sent_at := v_at;
    elsif p ->> 'answer' = 'accept' and p ->> 'result' = 'refused' and d.status <> 'accepted' then
        d.accept_requested_at := null;
    end if;
    s.dispute := d;
    if p ->> 'answer' = 'accept' and p ->> 'result' = 'done'
       and core.dispute_path_v1(d.status, 'accepted') = array['accepted'] then
        s := core.dispute_step_v1(s, 'accepted', p ->> 'event_id', v_at);
    else
        perform core.dispute_save_v1(s);
    end if;
    return core.dispute_view_v1(s.dispute);
end
$$;
