-- The rule of the reason that only refunds have. After every `pre` migration, since the cascade table comes later.
set role payera_owner;

insert into core.cascade_rule (id, scheme, reason, code, advice, fallback, later, since)
values ('reason_card_closed', null, 'card_closed', null, null, 'never', 'none', '2021-04-17');

reset role;
