-- The cascade table as rows: what a decline allows at another PSP. gateway/domain/cascade.py says the same; tests/sql compares
-- the rows and the verdicts.
set role payera_owner;

create table core.cascade_rule (
    id       text collate "C" primary key,
    scheme   text collate "C",  -- null: every scheme
    reason   text collate "C",  -- normalized reason of the decline
    code     text collate "C",  -- ISO 8583 response code
    advice   text collate "C",  -- Mastercard merchant advice code
    fallback text not null check (fallback in ('once', 'no', 'never')),
    later    text not null check (later in ('none', 'schedule', 'after_update', 'step_up_3ds')),
    since    date not null,     -- effective for declines from this day
    check (num_nonnulls(reason, code, advice) = 1)
);

insert into core.cascade_rule (id, scheme, reason, code, advice, fallback, later, since) values
    ('reason_generic_decline', null, 'generic_decline', null, null, 'once', 'schedule', '2021-04-17'),
    ('reason_insufficient_funds', null, 'insufficient_funds', null, null, 'no', 'schedule', '2021-04-17'),
    ('reason_limit_exceeded', null, 'limit_exceeded', null, null, 'no', 'schedule', '2021-04-17'),
    ('reason_issuer_unavailable', null, 'issuer_unavailable', null, null, 'once', 'schedule', '2021-04-17'),
    ('reason_system_error', null, 'system_error', null, null, 'once', 'schedule', '2021-04-17'),
    ('reason_expired_card', null, 'expired_card', null, null, 'no', 'after_update', '2021-04-17'),
    ('reason_invalid_card', null, 'invalid_card', null, null, 'no', 'after_update', '2021-04-17'),
    ('reason_incorrect_cvc', null, 'incorrect_cvc', null, null, 'no', 'after_update', '2021-04-17'),
    ('reason_authentication_required', null, 'authentication_required', null, null, 'no', 'step_up_3ds', '2021-04-17'),
    ('reason_authentication_failed', null, 'authentication_failed', null, null, 'never', 'none', '2021-04-17'),
    ('reason_lost_card', null, 'lost_card', null, null, 'never', 'none', '2021-04-17'),
    ('reason_stolen_card', null, 'stolen_card', null, null, 'never', 'none', '2021-04-17'),
    ('reason_pickup_card', null, 'pickup_card', null, null, 'never', 'none', '2021-04-17'),
    ('reason_suspected_fraud', null, 'suspected_fraud', null, null, 'never', 'none', '2021-04-17'),
    ('reason_not_permitted', null, 'not_permitted', null, null, 'never', 'none', '2021-04-17'),
    ('reason_restricted_card', null, 'restricted_card', null, null, 'never', 'none', '2021-04-17'),
    ('reason_token_deactivated', null, 'token_deactivated', null, null, 'never', 'none', '2021-04-17'),
    ('reason_revoked_authorization', null, 'revoked_authorization', null, null, 'never', 'none', '2021-04-17'),
    ('reason_invalid_request', null, 'invalid_request', null, null, 'no', 'none', '2021-04-17'),
    ('reason_unmapped', null, 'unmapped', null, null, 'no', 'none', '2021-04-17'),
    ('technical_91', null, null, '91', null, 'once', 'schedule', '2021-04-17'),
    ('technical_96', null, null, '96', null, 'once', 'schedule', '2021-04-17'),
    ('technical_19', null, null, '19', null, 'once', 'schedule', '2021-04-17'),
    ('generic_05', null, null, '05', null, 'once', 'schedule', '2021-04-17'),
    ('funds_51', null, null, '51', null, 'no', 'schedule', '2021-04-17'),
    ('funds_61', null, null, '61', null, 'no', 'schedule', '2021-04-17'),
    ('funds_65', null, null, '65', null, 'no', 'schedule', '2021-04-17'),
    ('visa_category_2_83', 'visa', null, '83', null, 'no', 'schedule', '2026-10-25'),
    ('authentication_1A', null, null, '1A', null, 'no', 'step_up_3ds', '2021-04-17'),
    ('mastercard_authentication_65', 'mastercard', null, '65', null, 'no', 'step_up_3ds', '2021-04-17'),
    ('data_14', null, null, '14', null, 'no', 'after_update', '2021-04-17'),
    ('data_54', null, null, '54', null, 'no', 'after_update', '2021-04-17'),
    ('data_82', null, null, '82', null, 'no', 'after_update', '2021-04-17'),
    ('data_N7', null, null, 'N7', null, 'no', 'after_update', '2021-04-17'),
    ('house_never_04', null, null, '04', null, 'never', 'none', '2021-04-17'),
    ('house_never_07', null, null, '07', null, 'never', 'none', '2021-04-17'),
    ('house_never_41', null, null, '41', null, 'never', 'none', '2021-04-17'),
    ('house_never_43', null, null, '43', null, 'never', 'none', '2021-04-17'),
    ('house_never_46', null, null, '46', null, 'never', 'none', '2021-04-17'),
    ('house_never_57', null, null, '57', null, 'never', 'none', '2021-04-17'),
    ('house_never_59', null, null, '59', null, 'never', 'none', '2021-04-17'),
    ('house_never_62', null, null, '62', null, 'never', 'none', '2021-04-17'),
    ('house_never_R0', null, null, 'R0', null, 'never', 'none', '2021-04-17'),
    ('house_never_R1', null, null, 'R1', null, 'never', 'none', '2021-04-17'),
    ('house_never_R3', null, null, 'R3', null, 'never', 'none', '2021-04-17'),
    ('visa_category_1_12', 'visa', null, '12', null, 'never', 'none', '2021-04-17'),
    ('visa_category_1_15', 'visa', null, '15', null, 'never', 'none', '2021-04-17'),
    ('visa_category_3_55', 'visa', null, '55', null, 'no', 'after_update', '2021-04-17'),
    ('visa_category_3_6P', 'visa', null, '6P', null, 'no', 'after_update', '2021-04-17'),
    ('visa_category_3_70', 'visa', null, '70', null, 'no', 'step_up_3ds', '2021-04-17'),
    ('visa_category_1_57', 'visa', null, '57', null, 'never', 'none', '2026-10-25'),
    ('mastercard_advice_03', 'mastercard', null, null, '03', 'never', 'none', '2021-04-17'),
    ('mastercard_advice_21', 'mastercard', null, null, '21', 'never', 'none', '2021-04-17'),
    ('mastercard_advice_22', 'mastercard', null, null, '22', 'never', 'none', '2021-04-17'),
    ('mastercard_advice_42', 'mastercard', null, null, '42', 'never', 'none', '2021-04-17'),
    ('mastercard_advice_99', 'mastercard', null, null, '99', 'never', 'none', '2021-04-17'),
    ('mastercard_advice_02', 'mastercard', null, null, '02', 'no', 'schedule', '2021-04-17'),
    ('mastercard_advice_24', 'mastercard', null, null, '24', 'no', 'schedule', '2021-04-17'),
    ('mastercard_advice_25', 'mastercard', null, null, '25', 'no', 'schedule', '2021-04-17'),
    ('mastercard_advice_26', 'mastercard', null, null, '26', 'no', 'schedule', '2021-04-17'),
    ('mastercard_advice_27', 'mastercard', null, null, '27', 'no', 'schedule', '2021-04-17'),
    ('mastercard_advice_28', 'mastercard', null, null, '28', 'no', 'schedule', '2021-04-17'),
    ('mastercard_advice_29', 'mastercard', null, null, '29', 'no', 'schedule', '2021-04-17'),
    ('mastercard_advice_30', 'mastercard', null, null, '30', 'no', 'schedule', '2021-04-17'),
    ('mastercard_advice_01', 'mastercard', null, null, '01', 'no', 'after_update', '2021-04-17'),
    ('mastercard_advice_04', 'mastercard', null, null, '04', 'no', 'none', '2021-04-17');

reset role;
