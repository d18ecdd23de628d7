-- The trace that an event and an order belong to (W3C traceparent): whoever calls a function sets it for the transaction,
-- and the column's default takes it, so that no function needs to know of it.
set role payera_owner;

alter table core.event add column traceparent text collate "C";
alter table core.event alter column traceparent set default nullif(current_setting('payera.traceparent', true), '');

alter table core.workflow_order add column traceparent text collate "C";
alter table core.workflow_order
    alter column traceparent set default nullif(current_setting('payera.traceparent', true), '');

reset role;
