-- Apply what says that something does not stand (core.is_undoing_v1): a capture or refund that failed after it was
-- confirmed, an automatic capture that failed, an authorization that ran out. Called by payment_apply_v1 with the
-- payment's lock; p is its p, with hold?: {valid_s, grace_s}. Returns its answer.
--   failed afterwards   the operation is `reversed`, the posting is taken back, the payment can be captured, or refunded,
--                       again; where refunds stand on a capture that failed, nothing is booked and a person is alerted
--   ran out             what was not captured is released; waits while any other operation of the payment is undecided
create or replace function core.undo_v1(s core.progress, p jsonb, p_at timestamptz) returns json
language plpgsql as $$
declare
    o jsonb := p -> 'outcome';
    v_was text := (s.operation).status;
    v_hinted boolean := (s.operation).hinted;
begin
    if (p ->> 'epoch')::int < (s.operation).epoch then
        s.result := 'stale';
        return core.progress_answer_v1(s, core.payment_view_v1(s.payment), core.payment_waits_v1(s.payment));
    end if;
    if o ->> 'kind' = 'expired' and core.is_live_v1(v_was) then
        -- Nobody ever said yes to us, and there is nothing to have any more: a refusal like any other.
        return api.payment_apply_v1((s.payment).merchant, p || jsonb_build_object('outcome', jsonb_build_object(
            'kind', 'declined', 'reason', 'not_permitted', 'advice', 'none', 'provider_code', 'authorization_expired',
            'provider_reference', o ->> 'provider_reference')));
    end if;
    s.operation.lease_until := null;
    s.payment.updated_at := p_at;
    if o ->> 'kind' = 'expired' then
        if exists (select from core.operation x where x.payment_id = (s.payment).id and x.id <> (s.operation).id
                   and core.is_live_v1(x.status) and x.reversal_of is null) then
            -- A capture may be on its way: what it comes to decides what there is to release.
            s.operation.told := coalesce((s.operation).told, o);
            s.operation.hinted := true;
            s.result := 'stale';
            perform core.save_operation_v1(s.operation);
            return core.progress_answer_v1(s, core.payment_view_v1(s.payment), true);
        end if;
        s := core.release_v1(s);
    elsif (s.operation).kind = 'authorize' then
        s := core.uncapture_v1(s, p_at);
    elsif core.is_live_v1(v_was) or v_was = 'approved' then
        s := core.fail_later_v1(s, o || '{"kind": "reversed"}', p_at);
    else
        s.result := 'already';
    end if;
    s.operation.told := null;
    s.operation.hinted := false;
    if (s.payment).status in ('authorized', 'partially_captured') and (s.payment).winner is not null
       and 'payment.capture_failed' = any (s.events) and p -> 'hold' is not null then
        perform core.hold_put_v1(w, p -> 'hold') from core.operation w
        where w.id = (s.payment).winner
          and not exists (select from core.hold h where h.payment_id = (s.payment).id);
    end if;
    return core.progress_end_v1(s, p, p_at, v_hinted);
end
$$;
