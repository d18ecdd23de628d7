-- Tables of the gateway. Ids are made by the caller and sort by time of creation; collation "C" keeps that order.
-- Money: bigint minor units and an ISO 4217 code. Business time: timestamptz given by the caller. Leases: real time.
set role payera_owner;

-- Automata ---------------------------------------------------------------------------------------------------------
-- The edges that exist; an update along any other raises PA500. The same tables stand in gateway/domain/payment.py.

create table core.payment_transition (
    from_status text collate "C" not null,
    to_status   text collate "C" not null,
    event       text,
    primary key (from_status, to_status)
);

create table core.operation_transition (
    from_status text collate "C" not null,
    to_status   text collate "C" not null,
    event       text,
    primary key (from_status, to_status)
);

-- Merchants and their settings -------------------------------------------------------------------------------------

create table core.merchant (
    id         text collate "C" primary key check (id <> ''),
    name       text not null,
    created_at timestamptz not null
);

create table core.api_key (
    id         text collate "C" primary key,
    merchant   text collate "C" not null references core.merchant (id),
    kind       text not null check (kind in ('secret', 'publishable')),
    hash       text collate "C" not null unique,  -- keyed hash: the key itself is shown once and kept nowhere
    created_at timestamptz not null
);

create table core.provider_account (
    id                     text collate "C" primary key,
    merchant               text collate "C" not null references core.merchant (id),
    provider               text not null,
    base_url               text not null,
    credentials_ciphertext text not null,
    key_id                 text not null,
    settings               jsonb not null,
    created_at             timestamptz not null,
    deleted_at             timestamptz  -- kept: operations still resolve through it
);
create index provider_account_merchant on core.provider_account (merchant, id);

create table core.routing (
    merchant      text collate "C" primary key references core.merchant (id),
    providers     jsonb not null check (jsonb_typeof(providers) = 'array'),
    max_fallbacks int not null check (max_fallbacks between 0 and 10),
    updated_at    timestamptz not null
);

-- Vault ------------------------------------------------------------------------------------------------------------

create table vault.data_key (
    merchant   text collate "C" not null,
    purpose    text collate "C" not null,
    key_id     text not null,
    wrapped    text not null,
    created_at timestamptz not null,
    primary key (merchant, purpose)
);

create table vault.token (
    id          text collate "C" primary key,
    merchant    text collate "C" not null,
    ciphertext  text not null,
    key_id      text not null,
    fingerprint text not null,  -- keyed: tells equal cards of one merchant, reveals none
    bin         text not null,
    last4       text not null,
    brand       text not null,
    exp_month   int not null,
    exp_year    int not null,
    holder_name text,
    created_at  timestamptz not null
);

-- UNLOGGED: never in the WAL, a backup or a replica, and empty after a crash. A CVV may be lost, never kept
-- (PCI DSS 3.3.1): destroyed by the apply that ends the authorization, and at expires_at in any case.
create unlogged table vault.cvv (
    token_id   text collate "C" primary key,
    merchant   text collate "C" not null,
    ciphertext text not null,
    expires_at timestamptz not null
);
create index cvv_expiry on vault.cvv (expires_at);

-- Payments and operations ------------------------------------------------------------------------------------------

create table core.payment (
    id                  text collate "C" primary key,
    merchant            text collate "C" not null,
    status              text collate "C" not null,
    amount              bigint not null check (amount > 0),
    currency            text not null check (currency ~ '^[A-Z]{3}$'),
    capture_method      text not null check (capture_method in ('automatic', 'manual')),
    token_id            text collate "C" not null,
    card                json not null,      -- what may be shown of the card, as it was then
    reference           text collate "C",
    description         text,
    metadata            jsonb not null,
    route               jsonb not null,     -- account ids in order, frozen at begin
    route_next          int not null,       -- index of the next account to ask
    fallbacks_left      int not null check (fallbacks_left >= 0),
    cascade_until       timestamptz not null,
    attempt_due         boolean not null default false,
    provider            text not null,      -- of the attempt that won, else of the latest
    winner              text collate "C",   -- the one attempt whose approval stands
    amount_authorized   bigint not null default 0,
    amount_capturing    bigint not null default 0,  -- reserved by captures under way
    amount_captured     bigint not null default 0,
    amount_refunding    bigint not null default 0,  -- reserved by refunds under way
    amount_refunded     bigint not null default 0,
    cancel_requested_at timestamptz,
    decline             json,
    review_reason       text,
    sequence            int not null default 0,     -- of the latest event
    ledger_hash         text,                       -- of the latest ledger transaction
    created_at          timestamptz not null,
    updated_at          timestamptz not null,
    created_real        timestamptz not null default clock_timestamp(),
    constraint captured_within_authorized
        check (amount_captured >= 0 and amount_capturing >= 0
               and amount_captured + amount_capturing <= amount_authorized),
    constraint refunded_within_captured
        check (amount_refunded >= 0 and amount_refunding >= 0
               and amount_refunded + amount_refunding <= amount_captured),
    constraint authorized_has_winner
        check ((winner is null) = (amount_authorized = 0)),
    constraint resting_status_fits_amounts
        check (case status
                   when 'authorized' then amount_authorized > 0 and amount_captured = 0
                   when 'partially_captured' then amount_captured > 0
                   when 'captured' then amount_captured > 0
                   when 'canceled' then amount_captured = 0
                   when 'declined' then amount_authorized = 0
                   when 'failed' then amount_authorized = 0
                   else true
               end)
) with (fillfactor = 80);
create index payment_merchant on core.payment (merchant, id);
create index payment_reference on core.payment (merchant, reference, id) where reference is not null;

create table core.operation (
    id                     text collate "C" primary key,
    merchant               text collate "C" not null,
    payment_id             text collate "C" not null references core.payment (id),
    kind                   text collate "C" not null check (kind in ('authorize', 'capture', 'void', 'refund')),
    status                 text collate "C" not null default 'dispatched',
    account_id             text collate "C" not null,
    provider               text not null,
    amount                 bigint not null check (amount > 0),
    currency               text not null,
    capture                boolean not null default false,  -- authorize: the PSP captures at once
    final                  boolean not null default true,   -- capture: the rest is released
    reversal_of            text collate "C",                -- the surplus approval that this void or refund takes back
    parent_reference       text,
    provider_reference     text collate "C",
    epoch                  int not null default 1,
    send_by                timestamptz not null,
    lease_until            timestamptz,                     -- null: nobody is sending or looking
    outcomes               text[] not null default '{}',    -- what was learned, in order, without repeats
    amount_approved        bigint,
    captured               boolean not null default false,
    surplus                boolean not null default false,
    reversed_by            text collate "C",
    network_transaction_id text,
    reason                 text,
    provider_code          text,
    network_code           text,
    message                text,
    advice                 text,
    cause                  text,
    action                 jsonb,
    had_cvv                boolean not null default false,
    looks                  int not null default 0,
    looked_at              timestamptz,
    unknown_since          timestamptz,
    absent_since           timestamptz,
    hinted                 boolean not null default false,
    review_reason          text,
    merchant_reason        text,                            -- what the merchant gave as reason of a refund or cancel
    metadata               jsonb not null default '{}',
    created_at             timestamptz not null,
    settled_at             timestamptz,
    created_real           timestamptz not null default clock_timestamp(),
    constraint only_approvals_are_surplus
        check (not surplus or (kind = 'authorize' and status in ('approved', 'reversed'))),
    constraint only_surplus_is_reversed check (status <> 'reversed' or surplus)
) with (fillfactor = 70);
create index operation_payment on core.operation (payment_id);
create index operation_merchant_kind on core.operation (merchant, kind, id) where kind in ('refund', 'capture');
create index operation_reference on core.operation (account_id, provider_reference) where provider_reference is not null;
create index operation_dispatched on core.operation (lease_until) where status = 'dispatched';
-- No other PSP is asked while one attempt is live or unresolved.
create unique index one_live_attempt on core.operation (payment_id)
    where kind = 'authorize' and status in ('dispatched', 'unknown', 'pending', 'requires_action', 'review');
-- One approval stands; every other is surplus.
create unique index one_winner on core.operation (payment_id)
    where kind = 'authorize' and status = 'approved' and not surplus;
-- A surplus approval is taken back once.
create unique index one_reversal on core.operation (reversal_of)
    where reversal_of is not null and status not in ('declined', 'not_sent', 'absent');
-- A payment is released once.
create unique index one_void on core.operation (payment_id)
    where kind = 'void' and reversal_of is null and status not in ('declined', 'not_sent', 'absent');

create table core.idempotency (
    merchant     text collate "C" not null,
    scope        text collate "C" not null,
    key          text collate "C" not null,
    fingerprint  text collate "C" not null,
    state        text not null check (state in ('in_flight', 'open', 'frozen')),
    status       int,
    body         json,  -- type json keeps the text as it was answered
    payment_id   text collate "C" not null,
    operation_id text collate "C",  -- null: the answer is the payment itself
    created_at   timestamptz not null,
    primary key (merchant, scope, key),
    constraint frozen_has_answer check ((state = 'frozen') = (status is not null and body is not null))
) with (fillfactor = 70);
-- The merchant leads, as the row-level policy asks for it too: with two indexes, plans made while the table was small
-- joined bitmaps of both and read every key of the merchant for each payment.
create index idempotency_payment on core.idempotency (merchant, payment_id);

-- Ledger -----------------------------------------------------------------------------------------------------------

create table core.ledger_transaction (
    id            text collate "C" primary key,
    merchant      text collate "C" not null,
    payment_id    text collate "C" not null references core.payment (id),
    position      int not null,  -- 1..n per payment
    kind          text not null check (kind in ('capture', 'refund', 'surplus', 'surplus_reversal')),
    operation_id  text collate "C" not null references core.operation (id),
    at            timestamptz not null,
    previous_hash text not null,
    hash          text not null,
    unique (payment_id, position),
    unique (operation_id, kind)  -- an operation is posted once
);

create table core.ledger_line (
    transaction_id text collate "C" not null references core.ledger_transaction (id),
    line           int not null,
    merchant       text collate "C" not null,
    account        text collate "C" not null,
    currency       text not null,
    amount         bigint not null check (amount <> 0),  -- debit > 0
    primary key (transaction_id, line)
);

-- Events, outbox, orders -------------------------------------------------------------------------------------------

create table core.event (
    position   bigint generated always as identity primary key,
    id         text collate "C" not null unique,
    merchant   text collate "C" not null,
    payment_id text collate "C" not null,
    sequence   int not null check (sequence > 0),
    type       text collate "C" not null,
    at         timestamptz not null,
    event      json not null,
    unique (payment_id, sequence)
);
create index event_merchant on core.event (merchant, position);

-- The unsent: a queue that stays small. What was sent is in core.event_sent, per cluster.
create table core.outbox (
    position     bigint primary key,
    payment_id   text collate "C" not null,
    created_real timestamptz not null default clock_timestamp()
) with (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 500);
create index outbox_payment on core.outbox (payment_id);

create table core.event_sent (
    position bigint not null references core.event (position),
    cluster  text collate "C" not null,
    sent_at  timestamptz not null default clock_timestamp(),
    primary key (position, cluster)
);

create table core.outbox_lease (
    payment_id  text collate "C" primary key,
    relay       text not null,
    lease_until timestamptz not null
);

-- An order asks the relay to start or wake the payment's workflow.
create table core.workflow_order (
    id          text collate "C" primary key,
    merchant    text collate "C" not null,
    payment_id  text collate "C" not null,
    not_before  timestamptz,  -- a live lease defers the wake
    relay       text,
    lease_until timestamptz,
    created_real timestamptz not null default clock_timestamp()
);
create unique index one_waiting_order on core.workflow_order (payment_id) where lease_until is null;
create index workflow_order_lease on core.workflow_order (lease_until);

-- Back channel and merchants' webhooks -----------------------------------------------------------------------------

create table core.webhook_inbox (
    account_id         text collate "C" not null,
    event_id           text collate "C" not null,
    merchant           text collate "C" not null,
    event_type         text not null,
    operation_id       text collate "C",  -- as the PSP echoed it
    provider_reference text collate "C",
    payment_id         text collate "C",  -- null: matches nothing yet
    body_ciphertext    text,
    received_at        timestamptz not null,
    primary key (account_id, event_id)
);
create index webhook_unmatched on core.webhook_inbox (account_id, provider_reference) where payment_id is null;
create index webhook_unmatched_operation on core.webhook_inbox (operation_id) where payment_id is null;

create table core.webhook_endpoint (
    id                text collate "C" primary key,
    merchant          text collate "C" not null references core.merchant (id),
    url               text not null,
    enabled_events    text[] not null,
    status            text not null default 'enabled' check (status in ('enabled', 'disabled')),
    secret_ciphertext text not null,
    key_id            text not null,
    created_at        timestamptz not null,
    updated_at        timestamptz not null,
    deleted_at        timestamptz
);
create index webhook_endpoint_merchant on core.webhook_endpoint (merchant, id);

create table core.delivery (
    id           text collate "C" primary key,
    merchant     text collate "C" not null,
    endpoint_id  text collate "C" not null references core.webhook_endpoint (id),
    event_id     text collate "C" not null,
    event_type   text not null,
    payment_id   text collate "C" not null,
    status       text collate "C" not null default 'pending' check (status in ('pending', 'delivered', 'dead')),
    attempts     int not null default 0,
    next_at      timestamptz not null,
    status_code  int,
    error        text,
    dispatcher   text,
    lease_until  timestamptz,
    created_at   timestamptz not null,
    delivered_at timestamptz,
    unique (endpoint_id, event_id)
) with (fillfactor = 80);
create index delivery_due on core.delivery (next_at) where status = 'pending';
create index delivery_merchant on core.delivery (merchant, id);

-- What one payment_apply_v1 works on, handed from step to step under the payment's lock.
create type core.progress as (
    payment   core.payment,
    operation core.operation,
    events    text[],   -- types to emit, in order
    wake      boolean,  -- something outlives the request
    result    text
);

-- Reporting --------------------------------------------------------------------------------------------------------

create table core.event_archive (
    event_id   text collate "C" primary key,
    merchant   text collate "C" not null,
    payment_id text collate "C" not null,
    sequence   int not null,
    type       text not null,
    at         timestamptz not null,
    event      json not null
);

create table core.daily_total (
    merchant text collate "C" not null,
    day      date not null,
    currency text not null,
    type     text collate "C" not null,
    count    bigint not null,
    amount   bigint not null,  -- minor units that the events moved or named
    primary key (merchant, day, currency, type)
);

reset role;
