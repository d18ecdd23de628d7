-- The schemes' retry rules as rows, and what was tried with a card at a merchant since its last approval, over all PSPs.
-- gateway/domain/retries.py says the same; tests/sql compares the rows, and the verdicts over random histories.
set role payera_owner;

create table core.retry_rule (
    id            text collate "C" primary key,
    scheme        text collate "C",  -- null: every scheme
    code          text collate "C",  -- ISO 8583 response code
    advice        text collate "C",  -- Mastercard merchant advice code; '' stands for its absence
    kind          text not null check (kind in ('never', 'new_data', 'wait')),
    wait_s        int not null,
    data          text check (data in ('expiry', 'entry', 'authentication')),
    merchant_only boolean not null,
    since         date not null,  -- effective for declines from this day
    until         date,           -- to before this one
    check ((code is null) <> (advice is null)),
    check ((kind = 'new_data') = (data is not null)),
    check ((kind = 'wait') = (wait_s > 0))
);
create index retry_rule_code on core.retry_rule (code);
create index retry_rule_advice on core.retry_rule (advice);

create table core.retry_cap (
    id            text collate "C" primary key,
    scheme        text collate "C" not null,
    max_attempts  int not null check (max_attempts > 0),
    window_s      int not null check (window_s > 0),
    same_amount   boolean not null
);

-- The response code that a normalized reason stands for, where a PSP does not pass the issuer's own on.
create table core.reason_code (
    reason text collate "C" primary key,
    code   text collate "C" not null
);

-- One row per attempt that is under way or was declined. An approval removes what came before it, and so does a proof
-- that the issuer was never asked.
create table core.card_attempt (
    operation_id text collate "C" primary key,
    merchant     text collate "C" not null,
    fingerprint  text collate "C" not null,
    outcome      text not null default 'open' check (outcome in ('open', 'declined')),
    at           timestamptz not null,
    amount       bigint not null,
    currency     text not null,
    expiry       text collate "C" not null,
    entry        text collate "C" not null,
    code         text collate "C",
    advice       text collate "C"
) with (fillfactor = 70);
create index card_attempt_card on core.card_attempt (merchant, fingerprint);

alter table core.card_attempt enable row level security;
alter table core.card_attempt force row level security;
create policy tenant on core.card_attempt to payera_owner using (merchant = current_setting('payera.merchant', true));
create policy system on core.card_attempt to payera_system using (true);
grant select, delete on core.card_attempt to payera_system;
grant select on core.retry_rule, core.retry_cap to payera_system;

insert into core.retry_rule (id, scheme, code, advice, kind, wait_s, data, merchant_only, since, until) values
    ('visa_category_1_04', 'visa', '04', null, 'never', 0, null, false, '2021-04-17', null),
    ('visa_category_1_07', 'visa', '07', null, 'never', 0, null, false, '2021-04-17', null),
    ('visa_category_1_12', 'visa', '12', null, 'never', 0, null, false, '2021-04-17', null),
    ('visa_category_1_14', 'visa', '14', null, 'never', 0, null, false, '2021-04-17', null),
    ('visa_category_1_15', 'visa', '15', null, 'never', 0, null, false, '2021-04-17', null),
    ('visa_category_1_41', 'visa', '41', null, 'never', 0, null, false, '2021-04-17', null),
    ('visa_category_1_43', 'visa', '43', null, 'never', 0, null, false, '2021-04-17', null),
    ('visa_category_1_46', 'visa', '46', null, 'never', 0, null, false, '2021-04-17', null),
    ('visa_category_1_R0', 'visa', 'R0', null, 'never', 0, null, false, '2021-04-17', null),
    ('visa_category_1_R1', 'visa', 'R1', null, 'never', 0, null, false, '2021-04-17', null),
    ('visa_category_1_R3', 'visa', 'R3', null, 'never', 0, null, false, '2021-04-17', null),
    ('visa_category_1_57', 'visa', '57', null, 'never', 0, null, false, '2026-10-25', null),
    ('visa_category_3_54', 'visa', '54', null, 'new_data', 0, 'expiry', false, '2021-04-17', null),
    ('visa_category_3_55', 'visa', '55', null, 'new_data', 0, 'entry', false, '2021-04-17', null),
    ('visa_category_3_70', 'visa', '70', null, 'new_data', 0, 'authentication', false, '2021-04-17', null),
    ('visa_category_3_82', 'visa', '82', null, 'new_data', 0, 'entry', false, '2021-04-17', null),
    ('visa_category_3_1A', 'visa', '1A', null, 'new_data', 0, 'authentication', false, '2021-04-17', null),
    ('visa_category_3_6P', 'visa', '6P', null, 'new_data', 0, 'entry', false, '2021-04-17', null),
    ('visa_category_3_N7', 'visa', 'N7', null, 'new_data', 0, 'entry', false, '2021-04-17', null),
    ('mastercard_advice_03', 'mastercard', null, '03', 'never', 0, null, false, '2021-04-17', null),
    ('mastercard_advice_21', 'mastercard', null, '21', 'never', 0, null, false, '2021-04-17', null),
    ('mastercard_advice_22', 'mastercard', null, '22', 'never', 0, null, false, '2021-04-17', null),
    ('mastercard_advice_42', 'mastercard', null, '42', 'never', 0, null, false, '2021-04-17', null),
    ('mastercard_advice_99', 'mastercard', null, '99', 'never', 0, null, false, '2021-04-17', null),
    ('mastercard_advice_01', 'mastercard', null, '01', 'new_data', 0, 'expiry', false, '2021-04-17', null),
    ('mastercard_advice_04', 'mastercard', null, '04', 'new_data', 0, 'entry', false, '2021-04-17', null),
    ('mastercard_advice_02', 'mastercard', null, '02', 'wait', 259200, null, false, '2021-04-17', null),
    ('mastercard_advice_24', 'mastercard', null, '24', 'wait', 3600, null, false, '2021-04-17', null),
    ('mastercard_advice_25', 'mastercard', null, '25', 'wait', 86400, null, false, '2021-04-17', null),
    ('mastercard_advice_26', 'mastercard', null, '26', 'wait', 172800, null, false, '2021-04-17', null),
    ('mastercard_advice_27', 'mastercard', null, '27', 'wait', 345600, null, false, '2021-04-17', null),
    ('mastercard_advice_28', 'mastercard', null, '28', 'wait', 518400, null, false, '2021-04-17', null),
    ('mastercard_advice_29', 'mastercard', null, '29', 'wait', 691200, null, false, '2021-04-17', null),
    ('mastercard_advice_30', 'mastercard', null, '30', 'wait', 864000, null, false, '2021-04-17', null),
    ('mastercard_advice_40', 'mastercard', null, '40', 'never', 0, null, true, '2021-04-17', null),
    ('mastercard_advice_41', 'mastercard', null, '41', 'never', 0, null, true, '2021-04-17', null),
    ('mastercard_advice_absent', 'mastercard', null, '', 'never', 0, null, true, '2021-04-17', null),
    ('house_never_04', null, '04', null, 'never', 0, null, false, '2021-04-17', null),
    ('house_never_07', null, '07', null, 'never', 0, null, false, '2021-04-17', null),
    ('house_never_41', null, '41', null, 'never', 0, null, false, '2021-04-17', null),
    ('house_never_43', null, '43', null, 'never', 0, null, false, '2021-04-17', null),
    ('house_never_46', null, '46', null, 'never', 0, null, false, '2021-04-17', null),
    ('house_never_57', null, '57', null, 'never', 0, null, false, '2021-04-17', null),
    ('house_never_59', null, '59', null, 'never', 0, null, false, '2021-04-17', null),
    ('house_never_62', null, '62', null, 'never', 0, null, false, '2021-04-17', null),
    ('house_never_R0', null, 'R0', null, 'never', 0, null, false, '2021-04-17', null),
    ('house_never_R1', null, 'R1', null, 'never', 0, null, false, '2021-04-17', null),
    ('house_never_R3', null, 'R3', null, 'never', 0, null, false, '2021-04-17', null),
    ('house_new_data_14', null, '14', null, 'new_data', 0, 'entry', false, '2021-04-17', null),
    ('house_new_data_54', null, '54', null, 'new_data', 0, 'expiry', false, '2021-04-17', null),
    ('house_new_data_82', null, '82', null, 'new_data', 0, 'entry', false, '2021-04-17', null),
    ('house_new_data_N7', null, 'N7', null, 'new_data', 0, 'entry', false, '2021-04-17', null);

insert into core.retry_cap (id, scheme, max_attempts, window_s, same_amount) values
    ('visa_15_in_30_days', 'visa', 15, 2592000, false),
    ('mastercard_10_in_24_hours', 'mastercard', 10, 86400, false),
    ('mastercard_35_same_amount_in_30_days', 'mastercard', 35, 2592000, true);

insert into core.reason_code (reason, code) values
    ('generic_decline', '05'),
    ('insufficient_funds', '51'),
    ('limit_exceeded', '61'),
    ('issuer_unavailable', '91'),
    ('system_error', '96'),
    ('expired_card', '54'),
    ('invalid_card', '14'),
    ('incorrect_cvc', '82'),
    ('lost_card', '41'),
    ('stolen_card', '43'),
    ('pickup_card', '04'),
    ('suspected_fraud', '59'),
    ('not_permitted', '57'),
    ('restricted_card', '62'),
    ('token_deactivated', '46'),
    ('revoked_authorization', 'R1');

-- Mastercard's merchant advice code, as the PSP passed it on.
alter table core.operation add column network_advice text;

reset role;
