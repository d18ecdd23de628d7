-- The timeline's lines of one operation: that it was begun, and each thing learned of it. Rows from before the history
-- was kept say when they settled, and what was learned until then.
create or replace function core.timeline_operations_v1(p core.operation)
returns table (at timestamptz, rank int, source text, what text, operation text, trace text, details jsonb)
language plpgsql stable as $$
begin
    return query select p.created_at, 2, 'gateway', p.kind || '.begun', p.id, null::text, jsonb_build_object(
        'provider', p.provider, 'provider_account', p.account_id, 'amount', p.amount, 'currency', p.currency,
        'reversal_of', p.reversal_of);
    return query
        select (h ->> 'at')::timestamptz, 3, 'gateway', p.kind || '.' || (h ->> 'status'), p.id, h ->> 'trace',
               h - 'at' - 'status' - 'trace' || jsonb_build_object('provider', p.provider)
        from jsonb_array_elements(p.history) as h;
    if p.history = '[]' and p.settled_at is not null then
        return query select p.settled_at, 3, 'gateway', p.kind || '.' || p.status, p.id, null::text, jsonb_build_object(
            'provider', p.provider, 'outcomes', p.outcomes, 'reason', p.reason, 'cause', p.cause);
    end if;
end
$$;
