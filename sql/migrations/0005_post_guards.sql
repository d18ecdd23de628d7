-- Triggers that hold the rules no matter which function writes. They come after the functions they call.
set role payera_owner;

create trigger legal_transition before update of status on core.payment
    for each row when (old.status is distinct from new.status) execute function core.guard_payment_transition_v1();
create trigger legal_transition before update of status on core.operation
    for each row when (old.status is distinct from new.status) execute function core.guard_operation_transition_v1();

create trigger append_only before update or delete or truncate on core.ledger_transaction
    for each statement execute function core.refuse_change_v1();
create trigger append_only before update or delete or truncate on core.ledger_line
    for each statement execute function core.refuse_change_v1();
create trigger append_only before update or delete or truncate on core.event
    for each statement execute function core.refuse_change_v1();

-- Σ = 0 is checked once per transaction, at commit, together with its lines 1 and 2 being there. Those two places are
-- taken for ever then, so only a third line could unbalance it later: that is checked as it comes.
create constraint trigger sums_to_zero after insert on core.ledger_transaction
    deferrable initially deferred for each row execute function core.guard_ledger_balance_v1();
create constraint trigger sums_to_zero after insert on core.ledger_line
    deferrable initially deferred for each row when (new.line not in (1, 2))
    execute function core.guard_ledger_balance_v1();

reset role;

-- What authentication needs before a merchant is known; nothing else in sys is for the application.
set role payera_system;
grant execute on function sys.api_key_lookup_v1(jsonb), sys.provider_account_lookup_v1(jsonb) to payera_app;
reset role;
