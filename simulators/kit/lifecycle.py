"""How resources move: at once, when somebody looks or pushes (manual), or after a time on the account's clock."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simulators.kit.actions import BadRule

if TYPE_CHECKING:
    from simulators.kit.accounts import Account

PROGRESS = "kit.progress"


@dataclass(frozen=True, slots=True)
class Mode:
    """`immediate` (both None), `manual(looks)`: on the n-th read (0: only by hand), or `after(seconds)`."""

    looks: int | None = None
    seconds: float | None = None


IMMEDIATE = Mode()


def manual(looks: int = 0) -> Mode:
    """Move on the n-th read of the object; 0 means only by the control plane's `settle`."""
    return Mode(looks=looks)


def after(seconds: float) -> Mode:
    """Move `seconds` later on the account's clock."""
    return Mode(seconds=seconds)


def parse_mode(raw: Any) -> Mode:
    """Check `immediate`, `manual`, `{manual: n}` or `{after: seconds}`. Raises BadRule."""
    if raw == "immediate":
        return IMMEDIATE
    if raw == "manual":
        return manual()
    if isinstance(raw, Mapping) and len(raw) == 1:
        (word, value), *_ = raw.items()
        number = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
        if word == "manual" and number and isinstance(value, int):
            return manual(value)
        if word == "after" and number:
            return after(float(value))
    raise BadRule(f"lifecycle: immediate, manual, {{manual: n}} or {{after: seconds}}, not {raw!r}")


def start(account: "Account", object_id: str, action: str, mode: Mode, data: Mapping[str, Any] | None = None) -> None:
    """Let `object_id` move by `action` (a name in the dialect's `actions`) as `mode` says. Inside a transaction.

    It is durable: a restart finds it again. An object has at most one movement waiting; a new one replaces it.
    """
    if mode == IMMEDIATE:
        account.act(action, object_id, data or {})
        return
    due = None if mode.seconds is None else account.clock.now() + mode.seconds
    account.store.put(
        PROGRESS, {"id": object_id, "action": action, "due": due, "looks": mode.looks, "data": dict(data or {})}
    )
    if due is not None:
        account.after_commit(lambda: arm(account, object_id, due))


def stop(account: "Account", object_id: str) -> None:
    """Forget the movement of an object (it was canceled). Inside a transaction."""
    if (PROGRESS, object_id) in account.store:
        account.store.delete(PROGRESS, object_id)


def arm(account: "Account", object_id: str, due: float) -> None:
    """Put a waiting movement on the clock."""
    account.clock.at(due, lambda: _due(account, object_id, due))


def _due(account: "Account", object_id: str, due: float) -> None:
    waiting = account.store.get(PROGRESS, object_id)
    if waiting is None or waiting["due"] != due:  # moved by hand, canceled or replaced meanwhile
        return
    with account.transaction():
        _move(account, waiting)


def looked_at(account: "Account", object_id: str) -> None:
    """Count a read of the object; the n-th moves it. Called by the exchange before a read is answered."""
    waiting = account.store.get(PROGRESS, object_id)
    if waiting is None or not waiting["looks"]:
        return
    with account.transaction():
        if waiting["looks"] == 1:
            _move(account, waiting)
        else:
            account.store.put(PROGRESS, {**waiting, "looks": waiting["looks"] - 1})


def settle(account: "Account", object_id: str, action: str | None, data: Mapping[str, Any] | None = None) -> bool:
    """Move an object by hand, by its waiting movement or by another action of the dialect. False if none waits.

    `data` goes to the action, over what the waiting movement would give it; the README of the simulator says what it
    may hold.

    Raises KeyError for an action the dialect does not know.
    """
    waiting = account.store.get(PROGRESS, object_id)
    if waiting is None and action is None:
        return False
    with account.transaction():
        if waiting is not None:
            changed = {"action": action or waiting["action"], "data": {**waiting["data"], **(data or {})}}
            _move(account, {**waiting, **changed})
        else:
            account.act(str(action), object_id, data or {})
    return True


def rearm(account: "Account") -> None:
    """After a restart: put everything that waits for a time back on the clock."""
    for waiting in account.store.all(PROGRESS):
        if waiting["due"] is not None:
            arm(account, waiting["id"], waiting["due"])


def _move(account: "Account", waiting: Mapping[str, Any]) -> None:
    account.store.delete(PROGRESS, waiting["id"])
    account.act(waiting["action"], waiting["id"], waiting["data"])
