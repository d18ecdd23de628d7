"""How Dummypay's objects come to rest: where statuses change, money is journaled and events are sent.

Handlers call these at once for an answer that stands; lifecycles and `settle` call them by name for a pending one.
"""

from collections.abc import Callable, Mapping
from typing import Any

from simulators.kit import lifecycle
from simulators.kit.accounts import Account
from simulators.kit.actions import BadRule

Json = dict[str, Any]
EXPIRED = "expired"
FAILED = "57"
"""The code that a capture or refund gets that failed afterwards, unless `settle` gives another one."""


class NotNow(BadRule):
    """The object's state does not allow the movement; the control plane answers 422 with the message."""


def send(account: Account, event_type: str, thing: Mapping[str, Any]) -> None:
    """Notify of a change."""
    event_id = account.new_id("evt_")
    event = {"id": event_id, "type": event_type, "created": account.now(), "data": {"object": thing}}
    account.notify(event_type, event_id, event)


def approve_charge(account: Account, charge: Json) -> None:
    """The acquirer said yes: authorized, or captured at once where the charge asks for it (`capture`, kept apart)."""
    at_once = charge["capture"]
    charge["status"] = "captured" if at_once else "authorized"
    charge["amount_captured"] = charge["amount"] if at_once else 0
    charge["network_transaction_id"] = account.new_id("", 15, "0123456789")
    account.store.put("charges", charge)
    _record(account, "charge" if at_once else "authorize", charge)
    send(account, f"charge.{charge['status']}", charge_view(charge))
    if not at_once and (mode := account.mode("authorization")) != lifecycle.IMMEDIATE:
        lifecycle.start(account, charge["id"], "expire", mode)


def decline_charge(account: Account, charge: Json, code: str) -> None:
    """The acquirer said no."""
    _declined(account, charge, code)
    account.store.put("charges", charge)
    _record(account, "decline", charge, code=charge["code"])
    send(account, "charge.declined", charge_view(charge))


def approve_capture(account: Account, capture: Json) -> None:
    """Money of an authorization is taken; a final capture closes the charge."""
    charge = _charge(account, capture)
    capture["status"] = "succeeded"
    charge["amount_captured"] += capture["amount"]
    if capture["final"] or charge["amount_captured"] == charge["amount"]:
        charge["status"] = "captured"
        lifecycle.stop(account, charge["id"])
    account.store.put("captures", capture)
    account.store.put("charges", charge)
    _record(account, "capture", capture)
    send(account, "capture.succeeded", public(capture))
    if charge["status"] == "captured":
        send(account, "charge.captured", charge_view(charge))


def approve_void(account: Account, void: Json) -> None:
    """An authorization is given back."""
    charge = _charge(account, void)
    void["status"], charge["status"] = "succeeded", "voided"
    lifecycle.stop(account, charge["id"])
    account.store.put("voids", void)
    account.store.put("charges", charge)
    _record(account, "void", void)
    send(account, "void.succeeded", public(void))
    send(account, "charge.voided", charge_view(charge))


def approve_refund(account: Account, refund: Json) -> None:
    """Captured money goes back."""
    charge = _charge(account, refund)
    refund["status"] = "succeeded"
    charge["amount_refunded"] += refund["amount"]
    account.store.put("refunds", refund)
    account.store.put("charges", charge)
    _record(account, "refund", refund)
    send(account, "refund.succeeded", public(refund))


def decline_operation(account: Account, operation: Json, code: str) -> None:
    """A capture, void or refund is refused: no money moves, the charge stays as it was."""
    _declined(account, operation, code)
    account.store.put(COLLECTIONS[operation["object"]], operation)
    _record(account, "decline", operation, code=operation["code"])
    send(account, f"{operation['object']}.declined", public(operation))


APPROVE: dict[str, Callable[[Account, Json], None]] = {
    "charge": approve_charge,
    "capture": approve_capture,
    "void": approve_void,
    "refund": approve_refund,
}
COLLECTIONS = {"charge": "charges", "capture": "captures", "void": "voids", "refund": "refunds"}
_PREFIXES = {"ch": "charge", "cap": "capture", "void": "void", "ref": "refund"}


def conclude(account: Account, thing: Json, then: str) -> None:
    """Bring an object to rest: `then` is `approve`, or the code it is declined with."""
    if then == "approve":
        APPROVE[thing["object"]](account, thing)
    elif thing["object"] == "charge":
        decline_charge(account, thing, then)
    else:
        decline_operation(account, thing, then)


def _settle(account: Account, object_id: str, data: Mapping[str, Any]) -> None:
    """What waits comes to rest as its rule says: approved, or declined with the code in `then`."""
    kind = _PREFIXES.get(object_id.partition("_")[0], "charge")
    thing = account.store.get(COLLECTIONS[kind], object_id)
    if thing is not None and thing["status"] == "pending":
        conclude(account, thing, data.get("then", "approve"))


def _refuse(account: Account, object_id: str, data: Mapping[str, Any]) -> None:
    """The acquirer says no, with code 05."""
    _settle(account, object_id, {"then": "05"})


def _approve(account: Account, object_id: str, data: Mapping[str, Any]) -> None:
    """The acquirer says yes, whatever was planned."""
    _settle(account, object_id, {})


def expire(account: Account, object_id: str, data: Mapping[str, Any]) -> None:
    """The hold runs out: what was not captured is released, `charge.expired` tells of it."""
    charge = account.store.get("charges", object_id)
    if charge is None or charge["status"] != "authorized":
        raise NotNow(f"{object_id} is no charge that holds money")
    lifecycle.stop(account, object_id)
    left = charge["amount"] - charge["amount_captured"]
    charge["status"] = "captured" if charge["amount_captured"] else EXPIRED
    charge["expired"] = True
    account.store.put("charges", charge)
    _record(account, "void", charge | {"amount": left}, code=EXPIRED)
    send(account, "charge.expired", charge_view(charge))


def fail(account: Account, object_id: str, data: Mapping[str, Any]) -> None:
    """What had succeeded fails afterwards (`code` in `data`): the money goes back where it was."""
    kind = _PREFIXES.get(object_id.partition("_")[0])
    thing = account.store.get(COLLECTIONS[kind], object_id) if kind in ("capture", "refund") else None
    if kind is None or thing is None or thing["status"] != "succeeded":
        raise NotNow(f"{object_id} is no capture or refund that succeeded")
    charge = _charge(account, thing)
    moved = "amount_captured" if kind == "capture" else "amount_refunded"
    if kind == "capture" and charge["amount_captured"] - thing["amount"] < charge["amount_refunded"]:
        raise NotNow(f"{charge['id']} was refunded")
    charge[moved] -= thing["amount"]
    if kind == "capture":
        charge["status"] = "authorized"  # held as before, to be captured again or voided
    _declined(account, thing, str(data.get("code", FAILED)))
    thing["status"] = "failed"
    account.store.put(COLLECTIONS[kind], thing)
    account.store.put("charges", charge)
    _record(account, f"{kind}_failed", thing, code=thing["code"])
    send(account, f"{kind}.failed", public(thing))


ACTIONS = {"settle": _settle, "approve": _approve, "decline": _refuse, "expire": expire, "fail": fail}
"""What a pending object may do: `settle` as its rule says, `approve`, `decline` (code 05); `expire` of a charge that
holds money; `fail` of a capture or refund that had succeeded."""


def charge_view(charge: Mapping[str, Any]) -> Json:
    """A charge as the PSP shows it."""
    shown = {key: value for key, value in charge.items() if key not in ("capture", "card")}
    card = charge["card"]
    return shown | {"card": {key: card[key] for key in ("brand", "bin", "last4", "exp_month", "exp_year")}}


def public(operation: Mapping[str, Any]) -> Json:
    """A capture, void or refund as the PSP shows it."""
    return {key: value for key, value in operation.items() if key != "final"}


def _declined(account: Account, thing: Json, code: str) -> None:
    decline = account.world.rules.decline(code)
    thing |= {"status": "declined", "code": decline.code, "message": decline.message}


def _charge(account: Account, operation: Json) -> Json:
    charge = account.store.get("charges", operation["charge"])
    assert charge is not None, "an operation belongs to a charge, and charges are never deleted"
    return charge


def _record(account: Account, kind: str, thing: Json, code: str | None = None) -> None:
    account.record(
        kind,
        thing["amount"],
        thing["currency"],
        thing["id"],
        parent=thing.get("charge"),
        reference=thing["reference"],
        payment=thing["payment"],
        code=code,
    )
