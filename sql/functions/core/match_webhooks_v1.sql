-- Match kept notifications to an operation whose PSP reference is now known. Returns whether there were any.
create or replace function core.match_webhooks_v1(p_op core.operation) returns boolean
language plpgsql as $$
begin
    if p_op.provider_reference is null then
        return false;
    end if;
    update core.webhook_inbox w set payment_id = p_op.payment_id
    where w.payment_id is null and w.account_id = p_op.account_id and w.provider_reference = p_op.provider_reference;
    return found;
end
$$;
