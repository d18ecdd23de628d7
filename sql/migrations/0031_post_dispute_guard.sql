-- Disputes move along their automaton or not at all, and begin where it begins.
set role payera_owner;

create trigger legal_transition before update of status on core.dispute
    for each row when (old.status is distinct from new.status) execute function core.guard_dispute_transition_v1();
create trigger legal_opening before insert on core.dispute
    for each row execute function core.guard_dispute_transition_v1();

reset role;
