-- Whether an outcome says that something does not stand (any longer): told as such (`reversed`, `expired`), or read of
-- what stands approved: a capture or refund that is refused now, an authorization whose capture at once is not there.
create or replace function core.is_undoing_v1(p_op core.operation, o jsonb, p_source text) returns boolean
language sql immutable parallel safe as $$
    select case o ->> 'kind'
        when 'reversed' then p_op.kind <> 'void'
        when 'expired' then p_op.kind = 'authorize'
        when 'declined' then
            p_source = 'read' and p_op.status = 'approved' and p_op.kind in ('capture', 'refund') and p_op.reversal_of is null
        when 'approved' then
            p_source = 'read' and p_op.status = 'approved' and p_op.kind = 'authorize' and p_op.captured
            and not p_op.surplus and not coalesce((o ->> 'captured')::boolean, false)
        else false end
$$;
