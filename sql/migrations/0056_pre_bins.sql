-- The BIN table takes prefixes of up to eleven digits, as issuers' account ranges are published. `batch`: the import that
-- brought a row last; what a replacing import did not bring, goes. Where a merchant trades, and what with (ISO 18245).
set role payera_owner;

alter table core.bin drop constraint bin_prefix_check;
alter table core.bin add constraint bin_prefix_check check (prefix ~ '^[0-9]{4,11}$');
alter table core.bin add column batch text collate "C" not null default '';
alter table core.merchant add column country text check (country ~ '^[A-Z]{2}$');
grant update on core.merchant to payera_system;

reset role;
