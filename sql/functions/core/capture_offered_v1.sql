-- Refuse a capture that the payment's provider does not offer (PA422 not_offered_by_provider), before anything is sent.
-- p_offers: {provider: [capability, …]} or null (nothing is known, all is allowed). The account's own setting
-- `multiple_captures` or `partial_capture` (true, false) goes before it: some providers switch them on per account.
create or replace function core.capture_offered_v1(
    p_payment core.payment, p_winner core.operation, p_offers jsonb, p_amount bigint, p_final boolean) returns void
language plpgsql stable as $$
declare
    v_settings jsonb;
    v_part boolean := p_amount < p_payment.amount_authorized or not p_final;
    v_offered jsonb := p_offers -> p_winner.provider;
begin
    if not v_part or jsonb_typeof(v_offered) is distinct from 'array' then
        return;
    end if;
    select a.settings into strict v_settings from core.provider_account a where a.id = p_winner.account_id;
    if not coalesce((v_settings ->> 'partial_capture')::boolean, v_offered ? 'partial_capture') then
        perform core.refuse_v1('PA422', 'not_offered_by_provider', format(
            '%s captures the whole authorization or nothing: capture %s, or cancel.',
            p_winner.provider, p_payment.amount_authorized));
    elsif not coalesce((v_settings ->> 'multiple_captures')::boolean, v_offered ? 'multiple_captures')
          and (not p_final or p_payment.amount_captured + p_payment.amount_capturing > 0) then
        perform core.refuse_v1('PA422', 'not_offered_by_provider', format(
            '%s takes one capture of an authorization and releases the rest: send it with final: true.',
            p_winner.provider));
    end if;
end
$$;
