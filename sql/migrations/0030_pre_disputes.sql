-- Disputes: a shopper's bank asks about a payment or takes it back. gateway/domain/dispute.py says the rules.
set role payera_owner;

create table core.dispute_transition (
    from_status text collate "C" not null,
    to_status   text collate "C" not null,
    event       text,
    primary key (from_status, to_status)
);

-- `new`: before the first notice.
insert into core.dispute_transition (from_status, to_status, event) values
    ('new', 'inquiry', 'dispute.opened'),
    ('new', 'needs_response', 'dispute.opened'),
    ('inquiry', 'needs_response', 'dispute.updated'),
    ('inquiry', 'closed', 'dispute.closed'),
    ('needs_response', 'under_review', 'dispute.updated'),
    ('needs_response', 'won', 'dispute.won'),
    ('needs_response', 'lost', 'dispute.lost'),
    ('needs_response', 'accepted', 'dispute.accepted'),
    ('needs_response', 'closed', 'dispute.closed'),
    ('under_review', 'won', 'dispute.won'),
    ('under_review', 'lost', 'dispute.lost'),
    ('under_review', 'pre_arbitration', 'dispute.updated'),
    ('pre_arbitration', 'won', 'dispute.won'),
    ('pre_arbitration', 'lost', 'dispute.lost'),
    ('pre_arbitration', 'accepted', 'dispute.accepted'),
    ('won', 'pre_arbitration', 'dispute.updated'),
    ('lost', 'won', 'dispute.won'),
    ('lost', 'pre_arbitration', 'dispute.updated');

create table core.dispute (
    id                  text collate "C" primary key,
    merchant            text collate "C" not null,
    payment_id          text collate "C" not null references core.payment (id),
    operation_id        text collate "C" not null references core.operation (id),  -- the charge that it is about
    account_id          text collate "C" not null,
    provider            text not null,
    provider_reference  text collate "C" not null,
    status              text collate "C" not null,
    reason              text not null,
    network_code        text,
    amount              bigint not null check (amount > 0),
    currency            text not null check (currency ~ '^[A-Z]{3}$'),
    moves               int not null default 0 check (moves >= 0),  -- of the money: odd = the bank has it
    amount_withdrawn    bigint not null default 0 check (amount_withdrawn >= 0),
    fee                 bigint not null default 0,
    evidence_due_at     timestamptz,
    evidence_sent_at    timestamptz,
    accept_requested_at timestamptz,          -- the merchant gives in; the PSP may call that a loss
    told_at             timestamptz not null,  -- the PSP's time of the notice that the status comes from
    history             jsonb not null default '[]',
    opened_at           timestamptz not null,
    updated_at          timestamptz not null,
    closed_at           timestamptz,
    created_real        timestamptz not null default clock_timestamp(),
    unique (account_id, provider_reference),
    constraint bank_has_the_money check ((moves % 2 = 1) = (amount_withdrawn > 0))
) with (fillfactor = 70);
create index dispute_payment on core.dispute (payment_id);
create index dispute_merchant on core.dispute (merchant, id);

alter table core.dispute enable row level security;
alter table core.dispute force row level security;
create policy tenant on core.dispute to payera_owner using (merchant = current_setting('payera.merchant', true));

-- What is open or lost: it can't be refunded as well. Not a limit by constraint: a bank may take what was refunded.
alter table core.payment add column amount_disputed bigint not null default 0 check (amount_disputed >= 0);

alter table core.webhook_inbox add column dispute jsonb;  -- DISPUTE of the contract

-- A dispute posts several times about one operation: what is unique then is the step within the dispute.
alter table core.ledger_transaction
    -- Checked at commit: a dispute is saved after what it posts.
    add column dispute_id text collate "C" references core.dispute (id) deferrable initially deferred,
    add column step int,
    add constraint steps_are_of_disputes check ((dispute_id is null) = (step is null)),
    drop constraint ledger_transaction_kind_check,
    drop constraint ledger_transaction_operation_id_kind_key,
    add constraint ledger_transaction_kind_check check (
        kind in ('capture', 'refund', 'surplus', 'surplus_reversal', 'chargeback', 'chargeback_reversed',
                 'dispute_fee', 'dispute_fee_reversed'));
create unique index ledger_operation_once on core.ledger_transaction (operation_id, kind) where dispute_id is null;
create unique index ledger_dispute_once on core.ledger_transaction (dispute_id, step) where dispute_id is not null;

-- What the application of a notice works on, handed from step to step under the payment's lock.
create type core.dispute_progress as (payment core.payment, dispute core.dispute);

reset role;
