-- When a circuit opens and how long it stays open is the merchant's to say: {failures, pause_s}; null: five, and 30 s.
set role payera_owner;

alter table core.routing
    add column circuit jsonb check (circuit is null or (circuit ? 'failures' and circuit ? 'pause_s'));

reset role;
