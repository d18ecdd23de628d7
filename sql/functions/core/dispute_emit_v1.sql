-- Write one event about a dispute, with payment and dispute as they are after it, and put it in the outbox.
create or replace function core.dispute_emit_v1(
    p_payment core.payment, p_dispute core.dispute, p_id text, p_type text, p_at timestamptz) returns void
language plpgsql as $$
begin
    with written as (
        insert into core.event (id, merchant, payment_id, sequence, type, at, event)
        values (p_id, p_payment.merchant, p_payment.id, p_payment.sequence, p_type, p_at, json_build_object(
            'specversion', '1.0', 'id', p_id, 'source', 'payera/gateway', 'type', p_type, 'subject', p_payment.id,
            'time', core.iso_v1(p_at), 'datacontenttype', 'application/json', 'merchant', p_payment.merchant,
            'sequence', p_payment.sequence,
            'data', json_build_object('payment', core.payment_view_v1(p_payment),
                                      'dispute', core.dispute_view_v1(p_dispute))))
        returning position
    )
    insert into core.outbox (position, payment_id) select w.position, p_payment.id from written w;
    perform pg_notify('payera_outbox', '');
end
$$;
