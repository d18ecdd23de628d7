-- Prepare an operation for an operator's word: raise the epoch, end the lease, take the amount that was really moved, and
-- let a look begin anew. A look still counts as made: what may be sent once only is not sent again.
-- p: as review_resolve_v1 takes it. Returns the operation as it is now.
create or replace function core.review_correct_v1(s core.progress, p jsonb) returns core.operation
language plpgsql as $$
declare
    v_op core.operation := s.operation;
    v_amount bigint := coalesce((p ->> 'amount')::bigint, (s.operation).amount);
    v_more bigint := coalesce((p ->> 'amount')::bigint, (s.operation).amount) - (s.operation).amount;
begin
    if v_more <> 0 then
        if p ->> 'action' <> 'approved' or v_op.kind = 'void' or v_op.reversal_of is not null
           or v_op.status <> 'review' then
            perform core.refuse_v1('PA422', 'amount_not_possible', 'Only an approval may have another amount than asked.');
        elsif v_op.kind = 'capture' and (s.payment).amount_captured + (s.payment).amount_capturing + v_more
                                        > (s.payment).amount_authorized then
            perform core.refuse_v1('PA422', 'amount_exceeds_authorized', 'More than was authorized cannot be captured.');
        elsif v_op.kind = 'refund' and (s.payment).amount_refunded + (s.payment).amount_refunding + v_more
                                       > (s.payment).amount_captured then
            perform core.refuse_v1('PA422', 'amount_exceeds_captured', 'More than was captured cannot be given back.');
        end if;
        update core.payment x
        set amount_capturing = x.amount_capturing + case v_op.kind when 'capture' then v_more else 0 end,
            amount_refunding = x.amount_refunding + case v_op.kind when 'refund' then v_more else 0 end
        where x.id = v_op.payment_id;
    end if;
    update core.operation o
    set epoch = o.epoch + 1, lease_until = null, amount = v_amount, review_reason = null,
        looks = case p ->> 'action' when 'look_again' then 1 else o.looks end,
        looked_at = case p ->> 'action' when 'look_again' then null else o.looked_at end,
        unknown_since = case p ->> 'action' when 'look_again' then null else o.unknown_since end
    where o.id = v_op.id returning * into v_op;
    return v_op;
end
$$;
