-- Match kept notifications to an operation whose PSP reference is now known. What they tell it is kept with it, if it is
-- news; disputes are applied. Returns whether there were any.
create or replace function core.match_webhooks_v1(p_op core.operation) returns boolean
language plpgsql as $$
declare
    v_any boolean;
    v_told jsonb;
    v_kept core.webhook_inbox;
begin
    if p_op.provider_reference is null then
        return false;
    end if;
    for v_kept in
        select * from core.webhook_inbox w
        where w.payment_id is null and w.account_id = p_op.account_id and w.dispute is not null
          and w.provider_reference = p_op.provider_reference
        order by w.received_at, w.event_id
    loop
        perform core.dispute_tell_v1(p_op, v_kept.dispute, v_kept.event_id, v_kept.event_type, v_kept.received_at);
    end loop;
    with matched as (
        update core.webhook_inbox w set payment_id = p_op.payment_id
        where w.payment_id is null and w.account_id = p_op.account_id
          and w.provider_reference = p_op.provider_reference
        returning w.outcome, w.received_at)
    select count(*) > 0,
           (array_agg(m.outcome order by (m.outcome ->> 'kind' = 'reversed') desc, (m.outcome ->> 'kind' = 'approved') desc, m.received_at desc)
            filter (where m.outcome is not null))[1]
    into v_any, v_told from matched m;
    if core.is_news_v1(p_op.status, v_told) then
        update core.operation o set told = core.tell_v1(o.told, v_told), hinted = true where o.id = p_op.id;
    end if;
    return v_any;
end
$$;
