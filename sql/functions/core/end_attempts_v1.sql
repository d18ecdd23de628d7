-- No attempt is live and none follows: the payment ends. canceled if that was asked for; declined if any PSP declined
-- (the latest decline is shown); failed if no PSP ever judged it. p_last: the attempt that just settled, or null.
create or replace function core.end_attempts_v1(p_payment core.payment, p_last core.operation) returns core.payment
language plpgsql as $$
declare
    v_declined core.operation := p_last;
begin
    p_payment.attempt_due := false;
    p_payment.review_reason := null;
    if v_declined.status is distinct from 'declined' then
        select * into v_declined from core.operation o
        where o.payment_id = p_payment.id and o.kind = 'authorize' and o.status = 'declined'
          and o.id is distinct from p_last.id
        order by o.created_at desc, o.id desc limit 1;
    end if;
    if v_declined.id is not null then
        p_payment.decline := json_build_object(
            'reason', v_declined.reason, 'advice', v_declined.advice, 'provider_code', v_declined.provider_code,
            'network_code', v_declined.network_code, 'message', v_declined.message);
    end if;
    p_payment.status := case when p_payment.cancel_requested_at is not null then 'canceled'
                             when v_declined.id is not null then 'declined'
                             else 'failed' end;
    return p_payment;
end
$$;
