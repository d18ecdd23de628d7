-- What may go after a while: idempotency keys, PSPs' notifications, deliveries, receipts of published events. Found by
-- age, deleted in small batches by functions of sys; docs/decisions/0050-what-is-forgotten.md
set role payera_owner;

create index idempotency_age on core.idempotency (created_at);
create index webhook_inbox_age on core.webhook_inbox (received_at);
create index delivery_age on core.delivery (created_at) where status <> 'pending';

grant delete on core.idempotency, core.delivery to payera_system;
grant select on core.circuit to payera_system;  -- sys.figures_v1
create policy system on core.webhook_inbox to payera_system using (true);
grant select, update, delete on core.webhook_inbox to payera_system;

-- Up to when something was forgotten: what is older must not be taken for new when it comes again.
create table core.forgotten (
    what text collate "C" primary key check (what in ('deliveries')),
    upto timestamptz not null
);
grant select, insert, update on core.forgotten to payera_system;

-- Every event up to `position` was seen by that cluster: their receipts are not needed any more.
create table core.cluster_seen (
    cluster  text collate "C" primary key,
    position bigint not null default 0,
    seen_at  timestamptz not null default clock_timestamp()  -- when it last acknowledged something, about
);
grant select, insert, update, delete on core.cluster_seen to payera_system;
insert into core.cluster_seen (cluster, seen_at)
select s.cluster, max(s.sent_at) from core.event_sent s group by s.cluster;

reset role;
