-- Σ = 0 is checked once per transaction, at commit, together with its lines 1 and 2 being there. Those two places are
-- taken for ever then, so only a third line could unbalance it later: that is checked as it comes.
set role payera_owner;
drop trigger sums_to_zero on core.ledger_line;
create constraint trigger sums_to_zero after insert on core.ledger_transaction
    deferrable initially deferred for each row execute function core.guard_ledger_balance_v1();
create constraint trigger sums_to_zero after insert on core.ledger_line
    deferrable initially deferred for each row when (new.line not in (1, 2))
    execute function core.guard_ledger_balance_v1();
reset role;

-- Replaced by route_v2, which gives the first provider as well.
set role payera_owner;
drop function if exists core.route_v1(text);
reset role;
