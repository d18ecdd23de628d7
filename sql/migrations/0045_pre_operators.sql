-- What people do and must know: reviews, the audit of operators' actions, alerts; and when what was learned, tried and
-- ordered, for the timeline of a payment.
set role payera_owner;

-- Something of a payment that no machine can decide. Opened by core.to_review_v1; closed by an operator, or by evidence
-- that came after all (the trigger close_review).
create table core.review (
    id           text collate "C" primary key,
    merchant     text collate "C" not null,
    payment_id   text collate "C" not null references core.payment (id),
    operation_id text collate "C" not null references core.operation (id),
    reason       text collate "C" not null,
    opened_at    timestamptz not null,
    resolved_at  timestamptz,
    resolution   text collate "C"
                 check (resolution in ('approved', 'declined', 'absent', 'look_again', 'acknowledged', 'evidence')),
    resolved_by  text,    -- the operator; null: evidence
    evidence     text,    -- what the operator went by
    check ((resolved_at is null) = (resolution is null)),
    check ((resolution is distinct from 'evidence') or resolved_by is null)
);
create unique index one_open_review on core.review (operation_id) where resolved_at is null;
create index review_open on core.review (id) where resolved_at is null;
create index review_merchant on core.review (merchant, id);
create index review_payment on core.review (payment_id);

-- Who did what, when, why, to what, from where, and what it changed (PCI DSS 10.2). Append-only, chained by hash.
create table core.audit (
    position      bigint primary key,  -- 1..n without a gap
    id            text collate "C" not null unique,
    at            timestamptz not null,
    operator      text not null check (operator <> ''),
    confirmed_by  text check (confirmed_by <> operator),  -- the second pair of eyes, where there was one
    action        text collate "C" not null,
    result        text collate "C" not null,  -- done, or the code of the refusal
    merchant      text collate "C",
    payment_id    text collate "C",
    subject       text collate "C",           -- id of what was acted on
    why           text,
    before        json,
    after         json,
    origin        text,
    trace_id      text,
    recorded_real timestamptz not null default clock_timestamp(),
    previous_hash text not null,
    hash          text not null
);
create index audit_payment on core.audit (payment_id) where payment_id is not null;

-- The end of the chain: its lock, and what shows that the tail was cut off.
create table core.audit_head (
    single   boolean primary key default true check (single),
    position bigint not null,
    hash     text not null
);
insert into core.audit_head (position, hash) values (0, repeat('0', 64));

-- What somebody who runs this should know and no payment's event says. One open alert per kind and subject.
create table core.alert (
    position   bigint generated always as identity unique,
    id         text collate "C" primary key,
    merchant   text collate "C",  -- null: nobody's in particular
    kind       text collate "C" not null,
    subject    text collate "C" not null,
    details    jsonb not null default '{}',
    times      int not null default 1,
    raised_at  timestamptz not null,
    last_at    timestamptz not null,
    cleared_at timestamptz,
    cleared_by text,              -- the operator; null: what it was about ended
    check (cleared_at is not null or cleared_by is null)
);
create unique index one_open_alert on core.alert (kind, subject) where cleared_at is null;

-- Orders that Temporal acknowledged: when the payment's workflow was started or woken.
create table core.workflow_wake (
    order_id        text collate "C" primary key,
    merchant        text collate "C" not null,
    payment_id      text collate "C" not null,
    ordered_at      timestamptz not null,
    acknowledged_at timestamptz not null,
    trace_id        text
);
create index workflow_wake_payment on core.workflow_wake (payment_id);

-- What was learned when and how; what came of each try.
alter table core.operation add column history jsonb not null default '[]';
alter table core.delivery add column history jsonb not null default '[]';

-- What may be stuck is found without reading what is settled. Each of these columns is in an index's condition already
-- or does not change while a payment is quick, so updates in place stay in place.
create index operation_open on core.operation (created_at)
    where kind <> 'authorize' and status in ('dispatched', 'unknown', 'pending', 'requires_action');
create index operation_to_reverse on core.operation (created_at) where surplus and status = 'approved';
create index payment_attempt_due on core.payment (updated_at) where attempt_due;
create index delivery_dead on core.delivery (created_at) where status = 'dead';

do $$
declare
    v_table text;
    v_verbs text;
begin
    for v_table, v_verbs in
        select * from (values ('review', 'select'), ('audit', 'select, insert'), ('alert', 'select, insert, update'),
                              ('workflow_wake', 'select, insert')) as t
    loop
        execute format('alter table core.%s enable row level security', v_table);
        execute format('alter table core.%s force row level security', v_table);
        execute format('create policy tenant on core.%s to payera_owner '
                       'using (merchant = current_setting(''payera.merchant'', true))', v_table);
        execute format('create policy system on core.%s to payera_system using (true)', v_table);
        execute format('grant %s on core.%s to payera_system', v_verbs, v_table);
    end loop;
end
$$;
grant select, update on core.audit_head to payera_system;

reset role;
