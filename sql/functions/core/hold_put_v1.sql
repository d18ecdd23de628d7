-- Keep how long the money of an authorization is held. p_hold: {valid_s, grace_s} in seconds, as the caller knows them
-- of the provider, or null: nothing is known. Counted from when the PSP was asked, which is never too late.
create or replace function core.hold_put_v1(p_op core.operation, p_hold jsonb) returns void
language plpgsql as $$
declare
    v_expires timestamptz := p_op.created_at + (p_hold ->> 'valid_s')::float8 * interval '1 second';
begin
    if v_expires is null then
        return;
    end if;
    insert into core.hold (payment_id, merchant, operation_id, expires_at, release_at)
    values (p_op.payment_id, p_op.merchant, p_op.id, v_expires,
            v_expires + coalesce((p_hold ->> 'grace_s')::float8, 0) * interval '1 second')
    on conflict (payment_id) do update
    set operation_id = excluded.operation_id, expires_at = excluded.expires_at, release_at = excluded.release_at,
        ordered_at = null;
end
$$;
