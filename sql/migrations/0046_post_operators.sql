-- Triggers of reviews, audit and alerts; and a review for whatever waited for a person before there was a queue.
set role payera_owner;

create trigger append_only before update or delete or truncate on core.audit
    for each statement execute function core.refuse_change_v1();

create trigger close_review after update of status on core.operation
    for each row when (old.status = 'review' and new.status <> 'review') execute function core.close_review_v1();

create trigger alert_circuit after insert or update or delete on core.circuit
    for each row execute function core.alert_circuit_v1();
create trigger alert_endpoint after update on core.webhook_endpoint
    for each row when (old.status <> new.status or old.deleted_at is null and new.deleted_at is not null)
    execute function core.alert_endpoint_v1();
create trigger alert_delivery after update of status on core.delivery
    for each row when (new.status = 'dead' and old.status <> 'dead') execute function core.alert_delivery_v1();
create trigger alert_settlement after update of status on core.settlement_file
    for each row when (new.status <> old.status) execute function core.alert_settlement_v1();

reset role;

-- As superuser: the rows of all merchants.
insert into core.review (id, merchant, payment_id, operation_id, reason, opened_at)
select core.id_v1('rev', p.updated_at), o.merchant, o.payment_id, o.id, coalesce(o.review_reason, 'no_proof'), p.updated_at
from core.operation o join core.payment p on p.id = o.payment_id
where o.status = 'review';
