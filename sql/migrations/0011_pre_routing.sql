-- Routing: rules and fees of a merchant's document, what they are decided by (BIN table, tallies, circuits), and why.
set role payera_owner;

alter table core.routing
    add column rules jsonb not null default '[]' check (jsonb_typeof(rules) = 'array'),
    add column fees jsonb not null default '[]' check (jsonb_typeof(fees) = 'array');
alter table core.merchant add column mcc text check (mcc ~ '^[0-9]{4}$');
alter table core.payment add column route_why json;  -- null: the document has no rule and no circuit was open

-- Where a card comes from. Not a tenant's: reference data, imported as a whole (`payera bins import`). Longest prefix wins.
create table core.bin (
    prefix         text collate "C" primary key check (prefix ~ '^[0-9]{4,8}$'),
    brand          text,
    issuer_country text check (issuer_country ~ '^[A-Z]{2}$'),
    funding        text check (funding in ('credit', 'debit', 'prepaid')),
    issuer         text
);

-- Outcomes of attempts in buckets of a minute, counted by reporting from the event stream.
create table core.attempt_tally (
    merchant   text collate "C" not null,
    account_id text collate "C" not null,
    bucket     timestamptz not null,
    attempts   int not null,
    approved   int not null,
    primary key (merchant, account_id, bucket)
) with (fillfactor = 70);

-- An account that fails technically, attempt after attempt. A row exists only while it does.
create table core.circuit (
    account_id text collate "C" primary key,
    merchant   text collate "C" not null,
    failures   int not null,
    open_until timestamptz  -- null: closed, still counting
) with (fillfactor = 70);
create index circuit_merchant on core.circuit (merchant) where open_until is not null;

do $$
declare
    v_table text;
begin
    foreach v_table in array array['core.attempt_tally', 'core.circuit'] loop
        execute format('alter table %s enable row level security', v_table);
        execute format('alter table %s force row level security', v_table);
        execute format(
            'create policy tenant on %s to payera_owner using (merchant = current_setting(''payera.merchant'', true))',
            v_table);
        execute format('create policy system on %s to payera_system using (true)', v_table);
    end loop;
end
$$;
grant select, insert, update, delete on core.attempt_tally, core.bin to payera_system;

reset role;
