-- Refuse what needs an authorization that still holds (PA410 authorization_expired) once its time is over.
create or replace function core.hold_check_v1(p_payment core.payment, p_at timestamptz) returns void
language plpgsql stable as $$
declare
    v_expires timestamptz;
begin
    select h.expires_at into v_expires from core.hold h where h.payment_id = p_payment.id;
    if v_expires <= p_at then
        perform core.refuse_v1('PA410', 'authorization_expired',
                               format('The authorization ran out at %s: re-authorize the payment, then capture it.',
                                      core.iso_v1(v_expires)));
    end if;
end
$$;
