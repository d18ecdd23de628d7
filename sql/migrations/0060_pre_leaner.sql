-- What nobody calls any more, and three foreign keys that every payment paid for and that protect nothing: the rows are
-- written by functions alone, which have just read (and in two cases locked) the row that is referred to, and no
-- function deletes one. A delivery's check took a shared lock on its endpoint's row, the same for all of a merchant.
-- docs/decisions/0020-foreign-keys-where-they-protect.md
drop function if exists api.provider_account_open_v1(text, jsonb);
drop function if exists sys.delivery_result_v1(jsonb);

alter table core.delivery drop constraint delivery_endpoint_id_fkey;
alter table core.event_sent drop constraint event_sent_position_fkey;
alter table core.ledger_transaction drop constraint ledger_transaction_payment_id_fkey;
