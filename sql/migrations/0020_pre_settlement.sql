-- Settlement: the files that PSPs send, their lines as the connector read them, and what does not agree with the ledger.
set role payera_owner;

create table core.settlement_file (
    id            text collate "C" primary key,
    merchant      text collate "C" not null references core.merchant (id),
    account_id    text collate "C" not null references core.provider_account (id),
    provider      text not null,
    status        text collate "C" not null default 'received' check (status in ('received', 'reconciled', 'failed')),
    content       text not null,              -- as it came
    digest        text collate "C" not null,  -- sha256 of it
    period_from   timestamptz,                -- null until the lines say, if the sender did not
    period_to     timestamptz,                -- exclusive
    tolerance_s   int not null check (tolerance_s between 0 and 2592000),  -- how far the two clocks and days may differ
    lines         int,
    matched       int,
    totals        json,
    error         text,
    claims        int not null default 0,
    lease_until   timestamptz,
    created_at    timestamptz not null,
    reconciled_at timestamptz,
    unique (account_id, digest),              -- the same file twice is the same file
    check (period_from < period_to),
    check ((status = 'failed') = (error is not null))
);
create index settlement_file_merchant on core.settlement_file (merchant, id);
create index settlement_file_waiting on core.settlement_file (id) where status = 'received';

create table core.settlement_line (
    file_id      text collate "C" not null references core.settlement_file (id),
    line         int not null,                -- of the file, counted from 1
    merchant     text collate "C" not null,
    account_id   text collate "C" not null,
    kind         text collate "C" not null
                 check (kind in ('sale', 'refund', 'chargeback', 'chargeback_reversed', 'fee', 'payout', 'other')),
    reference    text collate "C",            -- our operation id, as the PSP gave it back
    psp_refs     text[] not null default '{}',     -- the PSP's own ids of what moved
    parent_refs  text[] not null default '{}',     -- ours or the PSP's ids of what it moved from
    amount       bigint not null check (amount >= 0),  -- minor units, without sign
    currency     text not null,
    fee          bigint,                      -- minor units; what the PSP kept of this line
    net          bigint,                      -- signed
    at           timestamptz,
    operation_id text collate "C",            -- what it was matched to
    payment_id   text collate "C",
    primary key (file_id, line)
);
create index settlement_line_operation on core.settlement_line (operation_id) where operation_id is not null;

create table core.discrepancy (
    id           text collate "C" primary key,
    file_id      text collate "C" not null references core.settlement_file (id),
    merchant     text collate "C" not null,
    kind         text collate "C" not null,
    line         int,
    operation_id text collate "C",
    payment_id   text collate "C",
    expected     json,                        -- what our books say
    found        json,                        -- what the PSP says
    created_at   timestamptz not null
);
create index discrepancy_file on core.discrepancy (file_id, id);

-- What the PSP may keep, by contract: basis points of the amount and a fixed sum in minor units.
create table core.fee_rule (
    merchant     text collate "C" not null,
    account_id   text collate "C" not null references core.provider_account (id),
    kind         text collate "C" not null check (kind in ('sale', 'refund', 'chargeback')),
    currency     text collate "C" not null,
    basis_points int not null check (basis_points between 0 and 10000),
    fixed        bigint not null check (fixed >= 0),
    primary key (account_id, kind, currency)
);

-- What we expect of a period is what the ledger says of it.
create index ledger_transaction_merchant on core.ledger_transaction (merchant, at);

do $$
declare
    v_table text;
    v_verbs text;
begin
    for v_table, v_verbs in
        select * from (values
            ('settlement_file', 'select, update'), ('settlement_line', 'select, insert, update'),
            ('discrepancy', 'select, insert'), ('fee_rule', 'select'),
            ('ledger_transaction', 'select'), ('ledger_line', 'select')
        ) as t
    loop
        if v_table not like 'ledger%' then
            execute format('alter table core.%s enable row level security', v_table);
            execute format('alter table core.%s force row level security', v_table);
            execute format('create policy tenant on core.%s to payera_owner '
                           'using (merchant = current_setting(''payera.merchant'', true))', v_table);
        end if;
        execute format('create policy system on core.%s to payera_system using (true)', v_table);
        execute format('grant %s on core.%s to payera_system', v_verbs, v_table);
    end loop;
end
$$;

reset role;
