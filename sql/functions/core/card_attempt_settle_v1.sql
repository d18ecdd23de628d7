-- What an attempt's outcome means for its card: an approval forgives what came before it (RET-05), a decline is kept
-- with the issuer's words, a proof that nobody was asked uncounts it. Undecided outcomes leave it counted.
create or replace function core.card_attempt_settle_v1(p_op core.operation) returns void
language plpgsql as $$
begin
    case p_op.status
        when 'declined' then
            update core.card_attempt a
            set outcome = 'declined', advice = p_op.network_advice,
                code = coalesce(p_op.network_code, (select r.code from core.reason_code r where r.reason = p_op.reason))
            where a.operation_id = p_op.id;
        when 'not_sent', 'absent' then
            delete from core.card_attempt a where a.operation_id = p_op.id;
        when 'approved' then
            delete from core.card_attempt a
            using core.card_attempt own
            where own.operation_id = p_op.id and a.merchant = own.merchant and a.fingerprint = own.fingerprint
              and (a.outcome = 'declined' or a.operation_id = own.operation_id);
        else null;
    end case;
end
$$;
