-- Captures and refunds that fail after they were confirmed, authorizations that run out, and the ones that take their
-- place. docs/decisions/0035-what-failed-afterwards.md, 0036-expiry-and-reauthorization.md
set role payera_owner;

-- A capture that failed gives the payment back to where it can be captured again.
insert into core.payment_transition (from_status, to_status, event) values
    ('captured', 'authorized', 'payment.capture_failed'),
    ('captured', 'partially_captured', 'payment.capture_failed'),
    ('partially_captured', 'authorized', 'payment.capture_failed');

-- The failure may be told before the confirmation was.
insert into core.operation_transition (from_status, to_status, event) values
    ('unknown', 'reversed', null),
    ('pending', 'reversed', null),
    ('review', 'reversed', null);

alter table core.operation
    add column supersedes text collate "C",      -- a re-authorization: the authorization whose place it takes
    add column superseded_by text collate "C",
    drop constraint only_surplus_is_reversed,
    add constraint only_what_stood_is_reversed
        check (status <> 'reversed' or surplus or (kind in ('capture', 'refund') and reversal_of is null)),
    add constraint only_authorizations_are_superseded
        check ((supersedes is null and superseded_by is null) or kind = 'authorize');

-- One approval stands; every other is surplus, or another took its place.
drop index core.one_winner;
create unique index one_winner on core.operation (payment_id)
    where kind = 'authorize' and status = 'approved' and not surplus and superseded_by is null;

alter table core.payment add column cancellation_reason text;

alter table core.ledger_transaction
    drop constraint ledger_transaction_kind_check,
    add constraint ledger_transaction_kind_check check (
        kind in ('capture', 'refund', 'surplus', 'surplus_reversal', 'chargeback', 'chargeback_reversed',
                 'dispute_fee', 'dispute_fee_reversed', 'capture_failed', 'refund_failed'));

-- How long money is held for a payment that is not captured yet. Apart from the payment, since one that is captured at
-- once needs none of it. `release_at`: when nobody waits for the PSP's own notice any longer.
create table core.hold (
    payment_id   text collate "C" primary key,
    merchant     text collate "C" not null,
    operation_id text collate "C" not null,
    expires_at   timestamptz not null,
    release_at   timestamptz not null,
    ordered_at   timestamptz,  -- real time of the latest order to release it
    constraint released_after_expiry check (release_at >= expires_at)
);
create index hold_release on core.hold (release_at);

alter table core.hold enable row level security;
alter table core.hold force row level security;
create policy tenant on core.hold to payera_owner using (merchant = current_setting('payera.merchant', true));
create policy system on core.hold to payera_system using (true);
grant select, update, delete on core.hold to payera_system;

reset role;
