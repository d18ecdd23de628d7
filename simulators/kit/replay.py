"""What a line of the log means to an account: the account as it was, one line after the other."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from simulators.kit import lifecycle
from simulators.kit.faults import parse_rule
from simulators.kit.idempotency import Remembered

if TYPE_CHECKING:
    from simulators.kit.accounts import Account


def replay(account: "Account", entry: Mapping[str, Any]) -> None:
    """Apply one line of the log. Each key of it is one kind of change; `simulators.kit.accounts` writes them."""
    if "put" in entry:
        account.store.replay(entry["put"])
    if "journal" in entry:
        account.journal.entries.extend(entry["journal"])
    for key in entry.get("keys", ()):
        name, what = Remembered.read(key)
        account.remembered[name] = what
    account.ids_given = entry.get("ids", account.ids_given)
    if "door" in entry:
        account.door_port = entry["door"]
    if "offset" in entry:
        account.clock.offset = entry["offset"]
    if "lifecycle" in entry:
        account.lifecycle |= {resource: lifecycle.parse_mode(mode) for resource, mode in entry["lifecycle"].items()}
    _replay_faults(account, entry)


def _replay_faults(account: "Account", entry: Mapping[str, Any]) -> None:
    if "fault" in entry:
        rule_id, raw = entry["fault"]
        account.faults.add(parse_rule(raw, rule_id, account.world.card_key))
    if "no_fault" in entry:
        account.faults.remove(entry["no_fault"])
    if "met" in entry:
        rule_id, key, acted = entry["met"]
        for rule in account.faults.rules:
            if rule.id == rule_id:
                rule.recall(key, acted)
