-- What a payment brings along from elsewhere, for every PSP that is asked: the network's id of the transaction in which the
-- shopper agreed, and the proof of an authentication. Few payments have either, so both stand apart.
set role payera_owner;

alter table core.payment add column carries boolean not null default false;  -- there is a row in core.payment_proof

create table core.payment_proof (
    payment_id             text collate "C" primary key,
    merchant               text collate "C" not null,
    network_transaction_id text,
    three_ds               json,  -- version, eci, ds_transaction_id, xid: what may be kept
    check (network_transaction_id is not null or three_ds is not null)
);

-- UNLOGGED, like vault.cvv: the cryptogram is sensitive authentication data. It may be lost, never kept (PCI DSS 3.3.1).
create unlogged table vault.authentication (
    payment_id text collate "C" primary key,
    merchant   text collate "C" not null,
    ciphertext text not null,
    expires_at timestamptz not null
);
create index authentication_expiry on vault.authentication (expires_at);

alter table core.payment_proof enable row level security;
alter table core.payment_proof force row level security;
create policy tenant on core.payment_proof to payera_owner using (merchant = current_setting('payera.merchant', true));
alter table vault.authentication enable row level security;
alter table vault.authentication force row level security;
create policy tenant on vault.authentication to payera_owner
    using (merchant = current_setting('payera.merchant', true));
create policy system on vault.authentication to payera_system using (true);
grant select, delete on vault.authentication to payera_system;

reset role;
