-- Count what an attempt's first answer says about its account: so many technical failures in a row (five, unless the
-- merchant says otherwise) open the circuit, any answer of PSP or issuer closes it. A decline is an answer. Later looks at
-- the same attempt do not count again.
create or replace function core.circuit_note_v1(p_op core.operation, p_at timestamptz) returns void
language plpgsql as $$
begin
    if p_op.status = 'not_sent' or (p_op.status = 'unknown'
                                    and p_op.cause in ('timeout', 'reset', 'server_error', 'malformed')) then
        insert into core.circuit as c (account_id, merchant, failures, open_until)
        values (p_op.account_id, p_op.merchant, 1,
                case when core.circuit_threshold_v1(p_op.merchant) = 1
                     then p_at + core.circuit_pause_v2(p_op.merchant) end)
        on conflict (account_id) do update
        set failures = c.failures + 1,
            open_until = case when c.failures + 1 >= core.circuit_threshold_v1(c.merchant)
                              then p_at + core.circuit_pause_v2(c.merchant) end;
    elsif p_op.status in ('approved', 'declined', 'pending', 'requires_action') then
        delete from core.circuit c where c.account_id = p_op.account_id;
    end if;
end
$$;
