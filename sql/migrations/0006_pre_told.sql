-- A notification whose signed content is the truth (the connector declares it) is kept with its operation until the
-- resolver has applied it, and with the inbox row as long as it matches nothing.
set role payera_owner;

alter table core.operation add column told jsonb;           -- OUTCOME of the contract; null: nothing to apply
alter table core.webhook_inbox add column outcome jsonb;    -- null: a hint

reset role;
