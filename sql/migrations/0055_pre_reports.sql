-- What reporting knows of every attempt that came to rest: the ground of tallies and routing statistics. Like them, and
-- like the daily totals and the archive, it follows from core.event alone and can be rebuilt from it.
set role payera_owner;

create table core.attempt_fact (
    id         text collate "C" primary key,
    merchant   text collate "C" not null,
    payment_id text collate "C" not null,
    sequence   int not null,              -- of the earliest event that told of it: what that one says, holds
    place      int not null,              -- 1: asked first; above: a fallback
    account_id text collate "C" not null,
    provider   text not null,
    status     text collate "C" not null check (status in ('approved', 'declined', 'not_sent', 'absent')),
    unknown    boolean not null,          -- nobody knew for a while
    reason     text,
    brand      text,
    bin        text collate "C",
    amount     bigint not null,
    currency   text not null,
    settled_at timestamptz not null
);
create index attempt_fact_merchant on core.attempt_fact (merchant, settled_at);

alter table core.attempt_fact enable row level security;
alter table core.attempt_fact force row level security;
create policy tenant on core.attempt_fact to payera_owner using (merchant = current_setting('payera.merchant', true));
create policy system on core.attempt_fact to payera_system using (true);
grant select, insert, update, delete on core.attempt_fact to payera_system;

-- A rebuild takes away what should not be there, and mends what differs.
grant update, delete on core.event_archive to payera_system;
grant delete on core.daily_total to payera_system;

reset role;
