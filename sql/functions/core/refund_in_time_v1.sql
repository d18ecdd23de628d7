-- Refuse a refund that the provider would not take any more (PA410 refund_period_over). p_windows: {provider: seconds
-- after the authorization}; a provider that is not named has no limit that is known.
create or replace function core.refund_in_time_v1(p_source core.operation, p_windows jsonb, p_at timestamptz) returns void
language plpgsql stable as $$
declare
    v_until timestamptz := p_source.created_at + (p_windows ->> p_source.provider)::float8 * interval '1 second';
begin
    if v_until < p_at then
        perform core.refuse_v1('PA410', 'refund_period_over', format(
            '%s refunds a payment until %s: pay the shopper another way.', p_source.provider, core.iso_v1(v_until)));
    end if;
end
$$;
