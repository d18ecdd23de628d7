-- The effect of a re-authorization's outcome. Approved, it takes the place of the authorization that stands, if that one
-- still does and nothing was captured of it meanwhile; else it is surplus like any approval that comes too late. Of the
-- one whose place it takes, what holds no captured money is taken back. Declined, nothing changes but the decline shown.
create or replace function core.apply_reauthorization_v1(s core.progress, p_at timestamptz) returns core.progress
language plpgsql as $$
declare
    v_old core.operation;
    v_holds_money boolean;
begin
    case (s.operation).status
        when 'approved' then
            select * into strict v_old from core.operation o where o.id = (s.operation).supersedes;
            if (s.payment).winner is distinct from v_old.id
               or (s.payment).status not in ('authorized', 'partially_captured')
               or (s.operation).review_reason is not null
               or (s.payment).amount_captured + (s.operation).amount_approved > (s.payment).amount then
                return core.apply_approval_v1(s, p_at);
            end if;
            v_holds_money := v_old.captured or exists (
                select from core.operation o
                where o.payment_id = (s.payment).id and o.kind = 'capture' and o.status = 'approved'
                  and o.parent_reference = v_old.provider_reference);
            update core.operation o set superseded_by = (s.operation).id, surplus = not v_holds_money
            where o.id = v_old.id;
            s.payment.winner := (s.operation).id;
            s.payment.amount_authorized := (s.payment).amount_captured + (s.operation).amount_approved;
            s.payment.decline := null;
            s.payment.review_reason := null;
            s.events := s.events || 'payment.reauthorized'::text;
            if not v_holds_money then
                s.wake := true;
                s.result := 'applied';
            end if;
        when 'declined' then
            s.payment.decline := json_build_object(
                'reason', (s.operation).reason, 'advice', (s.operation).advice,
                'provider_code', (s.operation).provider_code, 'network_code', (s.operation).network_code,
                'message', (s.operation).message);
        when 'not_sent', 'absent' then
            null;
        when 'review' then
            s := core.to_review_v1(s, (s.operation).review_reason);
        else
            s.wake := true;
    end case;
    return s;
end
$$;
