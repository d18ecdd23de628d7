-- The ledger is on the path of every payment, so each rule is checked once there. Payment and operation of a
-- transaction are read under the payment's lock by the only function that posts, and neither is ever deleted; the lines'
-- reference to their transaction stays.
set role payera_owner;
alter table core.ledger_transaction
    drop constraint ledger_transaction_payment_id_fkey,
    drop constraint ledger_transaction_operation_id_fkey;
reset role;
