-- Apply one notice about a dispute, in the commit that stores it. Of two statuses the one that the PSP told later stands, where
-- a legal way leads to it; anything else is kept in the history alone. The money is counted (core.dispute_money_v1), so
-- its postings do not depend on the order. What the merchant gave in to is accepted, though the PSP may call it lost.
-- p_fact: DISPUTE of the contract. Event ids come from the notice's, so that they are the same however often it is applied.
create or replace function core.dispute_tell_v1(
    p_op core.operation, p_fact jsonb, p_event_id text, p_notice text, p_at timestamptz) returns void
language plpgsql as $$
declare
    s core.dispute_progress;
    d core.dispute;
    v_told timestamptz := (p_fact ->> 'at')::timestamptz;
    v_status text := p_fact ->> 'status';
    v_fresh boolean;
    v_steps text[] := '{}';
    v_moves int;
    v_fee bigint;
begin
    s.payment := core.lock_payment_v1(p_op.payment_id);
    select * into d from core.dispute o
    where o.account_id = p_op.account_id and o.provider_reference = p_fact ->> 'provider_reference';
    if d.id is null then
        d := core.dispute_begin_v1(p_op, p_fact, p_at);
    end if;
    v_moves := d.moves;
    v_fee := d.fee;
    v_fresh := d.told_at is null or v_told >= d.told_at;
    if v_status = 'lost' and d.accept_requested_at is not null
       and core.dispute_path_v1(d.status, 'accepted') = array['accepted'] then
        v_status := 'accepted';
    end if;
    if v_fresh then
        d.amount := (p_fact ->> 'amount')::bigint;
        d.reason := p_fact ->> 'reason';
        d.network_code := coalesce(p_fact ->> 'network_code', d.network_code);
        d.evidence_due_at := coalesce((p_fact ->> 'evidence_due_at')::timestamptz, d.evidence_due_at);
        if v_status is distinct from d.status then
            v_steps := coalesce(core.dispute_path_v1(coalesce(d.status, 'new'), v_status), '{}');
        end if;
        if v_status = d.status or cardinality(v_steps) > 0 then
            d.told_at := v_told;
        end if;
    end if;
    d.history := d.history || jsonb_build_array(jsonb_build_object(
        'notice', p_notice, 'status', p_fact ->> 'status', 'at', core.iso_v1(v_told), 'received_at', core.iso_v1(p_at),
        'applied', cardinality(v_steps) > 0));
    s.dispute := d;
    s := core.dispute_money_v1(s, p_fact, v_fresh, p_at);
    for i in 1 .. cardinality(v_steps) loop
        s := core.dispute_step_v1(s, v_steps[i], core.dispute_event_id_v1(p_op.account_id, p_event_id, i), p_at);
    end loop;
    if cardinality(v_steps) > 0 then
        return;
    elsif ((s.dispute).moves, (s.dispute).fee) is distinct from (v_moves, v_fee) then
        perform core.dispute_step_v1(s, null, core.dispute_event_id_v1(p_op.account_id, p_event_id, 1), p_at);
    else
        perform core.dispute_save_v1(s);
    end if;
end
$$;
