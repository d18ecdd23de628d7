"""What happens without a request of the merchant: modifications come to rest, time passes, banks and shoppers act.

Each action has the shape of the kit's `Dialect.actions` and runs inside an open transaction: lifecycles, the shopper's
pages and the control plane's `settle` call them by name. What the object's state does not allow raises `NotNow`.
"""

from collections.abc import Callable, Mapping
from typing import Any

from simulators.adyen import disputes, notifications, refusals, standing
from simulators.adyen.currencies import iso_minor_units
from simulators.adyen.disputes import NotNow
from simulators.kit import lifecycle
from simulators.kit.accounts import Account

Json = dict[str, Any]
Data = Mapping[str, Any]
MODIFICATIONS = "modifications"
INSUFFICIENT = "Insufficient balance on payment"
NOT_CAPTURED = "Transaction hasn't been captured, refund not possible"
NOT_CANCELLABLE = "Transaction cannot be cancelled"
NOT_FOUND = "Payment not found"
EVENTS = {
    "capture": "CAPTURE",
    "cancel": "CANCELLATION",
    "technical_cancel": "TECHNICAL_CANCEL",
    "refund": "REFUND",
    "reversal": "CANCEL_OR_REFUND",
    "adjustment": "AUTHORISATION_ADJUSTMENT",
}


# -- modifications
def conclude(account: Account, modification: Json, then: str) -> None:
    """Bring a modification to rest: `then` is `approve`, or a refusal of the acquirer. Adyen's own rules go first."""
    payment = None if modification["payment"] is None else account.store.get(standing.PAYMENTS, modification["payment"])
    why = NOT_FOUND if payment is None else _impossible(modification, payment)
    if why is None and then != "approve":
        refused = refusals.find(account, then)
        why = refused.reason
        _record(account, "decline", modification, payment, modification["amount"], refused.iso or refused.code)
    if why is None and payment is not None:
        action = _MOVES[modification["kind"]](account, modification, payment)
        account.store.put(standing.PAYMENTS, payment)
    else:
        action = _reversal_action(modification, payment)
    modification["state"] = "done" if why is None else "refused"
    account.store.put(MODIFICATIONS, modification)
    _tell(account, EVENTS[modification["kind"]], modification, payment, why or "", success=why is None, action=action)
    if why is None and payment is not None and payment["later"] == modification["kind"]:
        fail(account, modification["id"], {})


def _impossible(modification: Json, payment: Json) -> str | None:
    """Why the platform itself does not do it, or None."""
    kind, amount = modification["kind"], modification["amount"]
    left = standing.open_amount(payment)
    if kind == "capture":
        return INSUFFICIENT if amount > left else None
    if kind in ("cancel", "technical_cancel"):
        return None if left and (kind == "cancel" or not payment["captured"]) else NOT_CANCELLABLE
    if kind == "adjustment":
        return None if payment["state"] == "authorised" and amount >= payment["captured"] else NOT_CANCELLABLE
    if kind == "reversal":
        return None if left or payment["captured"] > payment["refunded"] else NOT_CANCELLABLE
    if not payment["captured"]:
        return NOT_CAPTURED
    return INSUFFICIENT if amount > payment["captured"] - payment["refunded"] else None


def _capture(account: Account, modification: Json, payment: Json) -> None:
    payment["captured"] += modification["amount"]
    lifecycle.stop(account, payment["id"])  # a capture by hand goes before the automatic one
    _record(account, "capture", modification, payment, modification["amount"])
    if account.settings.get("partial_captures") == "single":
        payment["authorised"] = payment["captured"]
    standing.hold(account, payment)


def _cancel(account: Account, modification: Json, payment: Json) -> str:
    left = standing.open_amount(payment)
    lifecycle.stop(account, payment["id"])
    payment["authorised"] = payment["captured"]
    if not payment["captured"]:
        payment["state"] = "cancelled"
    _record(account, "void", modification, payment, left)
    return "cancel"


def _refund(account: Account, modification: Json, payment: Json) -> str:
    payment["refunded"] += modification["amount"]
    _record(account, "refund", modification, payment, modification["amount"])
    return "refund"


def _reverse(account: Account, modification: Json, payment: Json) -> str:
    return (_refund if payment["captured"] else _cancel)(account, modification, payment)


def _adjust(account: Account, modification: Json, payment: Json) -> None:
    more = modification["amount"] - payment["authorised"]
    payment["authorised"] = modification["amount"]
    _record(account, "authorize" if more >= 0 else "void", modification, payment, abs(more))


_MOVES: dict[str, Callable[[Account, Json, Json], str | None]] = {
    "capture": _capture,
    "cancel": _cancel,
    "technical_cancel": _cancel,
    "refund": _refund,
    "reversal": _reverse,
    "adjustment": _adjust,
}


def _reversal_action(modification: Json, payment: Json | None) -> str:
    return "refund" if payment is not None and payment["captured"] else "cancel"


def _record(
    account: Account, kind: Any, modification: Json, payment: Json | None, amount: int, code: str | None = None
) -> None:
    account.record(
        kind,
        iso_minor_units(amount, modification["currency"]),
        modification["currency"],
        modification["id"],
        parent=modification["payment"],
        reference=modification["reference"],
        payment=None if payment is None else payment["payment"],
        code=code,
    )


def _tell(
    account: Account,
    event: str,
    modification: Json,
    payment: Json | None,
    reason: str,
    *,
    success: bool = True,
    action: str | None = None,
) -> None:
    """A notification about a modification. A technical cancel bears the reference that it named the payment by."""
    kind = modification["kind"]
    reference = modification["wanted"] if kind == "technical_cancel" else modification["reference"]
    about = payment or {
        "currency": modification["currency"],
        "merchant": modification["merchant"],
        "reference": modification["wanted"],
        "method": "",
    }
    additional = {"paymentMethodVariant": about["method"]} if payment is not None and payment["card"] else {}
    if kind == "reversal" and event == "CANCEL_OR_REFUND" and action is not None:
        additional["modification.action"] = action
    notifications.send(
        account,
        event,
        about,
        psp_reference=modification["id"],
        value=modification["amount"],
        success=success,
        reason=reason,
        reference=reference,
        original="" if payment is None else payment["id"],
        additional=additional,
    )


_BACK = {"capture": "capture_failed", "refund": "refund_failed"}
"""What a modification that fails afterwards leaves in the journal."""


def _of(account: Account, identifier: str, states: tuple[str, ...]) -> tuple[Json, Json]:
    modification = account.store.get(MODIFICATIONS, identifier)
    if modification is None:
        raise NotNow(f"there is no modification {identifier}")
    if modification["state"] not in states:
        raise NotNow(f"{identifier} is {modification['state']}; this needs {' or '.join(states)}")
    payment = account.store.get(standing.PAYMENTS, modification["payment"])
    if payment is None:
        raise NotNow(f"{identifier} belongs to no payment")
    return modification, payment


def fail(account: Account, identifier: str, _data: Data) -> None:
    """What was accepted fails later: CAPTURE_FAILED or REFUND_FAILED, and the money goes back where it was."""
    modification, payment = _of(account, identifier, ("done",))
    kind = modification["kind"]
    if kind not in ("capture", "refund"):
        raise NotNow(f"a {kind} does not fail later")
    event = f"{kind.upper()}_FAILED"
    if kind == "capture":
        payment["captured"] -= modification["amount"]
        standing.hold(account, payment)
    else:
        payment["refunded"] -= modification["amount"]
    _record(account, _BACK[kind], modification, payment, modification["amount"], event)
    account.store.put(standing.PAYMENTS, payment)
    account.store.put(MODIFICATIONS, {**modification, "state": "failed"})
    _tell(account, event, modification, payment, f"{kind.capitalize()} Failed")


def reverse_refund(account: Account, identifier: str, _data: Data) -> None:
    """The shopper's bank sends a refund back: REFUNDED_REVERSED."""
    modification, payment = _of(account, identifier, ("done",))
    if modification["kind"] != "refund":
        raise NotNow(f"{identifier} is no refund")
    payment["refunded"] -= modification["amount"]
    _record(account, "refund_failed", modification, payment, modification["amount"], "REFUNDED_REVERSED")
    account.store.put(standing.PAYMENTS, payment)
    account.store.put(MODIFICATIONS, {**modification, "state": "reversed"})
    _tell(account, "REFUNDED_REVERSED", modification, payment, "Refund returned by the bank")


def fail_capture(account: Account, identifier: str, _data: Data) -> None:
    """The scheme refuses a capture that Adyen made by itself: CAPTURE_FAILED; what was taken is only held again."""
    payment = disputes.need(account, identifier, ("authorised",))
    moved = account.store.find(MODIFICATIONS, "payment", identifier)
    if any(one["kind"] == "capture" for one in moved) or not payment["captured"] or payment["refunded"]:
        raise NotNow(f"{identifier} was not captured by itself, or was refunded")
    taken, payment["captured"] = payment["captured"], 0
    account.store.put(standing.PAYMENTS, payment)
    standing.record(account, "capture_failed", payment, taken, code="CAPTURE_FAILED")
    notifications.send(
        account,
        "CAPTURE_FAILED",
        payment,
        psp_reference=standing.psp_reference(account),
        value=taken,
        reason="Capture Failed",
        original=identifier,
    )


# -- payments
def settle(account: Account, identifier: str, data: Data) -> None:
    """What is pending comes to rest: a payment or a modification, as `data["then"]` says (approve, or a refusal)."""
    then = data.get("then", "approve")
    modification = account.store.get(MODIFICATIONS, identifier)
    if modification is not None:
        if modification["state"] != "received":
            raise NotNow(f"{identifier} is {modification['state']}")
        conclude(account, modification, then)
        return
    payment = disputes.need(account, identifier, ("pending",))
    if then == "approve":
        standing.approve(account, payment)
    else:
        standing.refuse(account, payment, refusals.find(account, then))


def refuse(account: Account, identifier: str, _data: Data) -> None:
    """What is pending is refused by the issuer (05)."""
    settle(account, identifier, {"then": "DECLINED"})


def capture_automatically(account: Account, identifier: str, _data: Data) -> None:
    """The capture delay is over: all that is authorised is taken. No notification tells of it."""
    payment = disputes.need(account, identifier, ("authorised",))
    left = standing.open_amount(payment)
    if left:
        payment["captured"] += left
        account.store.put(standing.PAYMENTS, payment)
        moved = iso_minor_units(left, payment["currency"])
        account.record("capture", moved, payment["currency"], identifier, parent=identifier, payment=payment["payment"])


def authenticate(account: Account, identifier: str, _data: Data) -> None:
    """The shopper passes the challenge, or pays on the redirect page; `/payments/details` finds it done."""
    _act(account, identifier, "Y")


def fail_authentication(account: Account, identifier: str, _data: Data) -> None:
    """The shopper fails the challenge, or the payment on the redirect page."""
    _act(account, identifier, "N")


def cancel_authentication(account: Account, identifier: str, _data: Data) -> None:
    """The shopper goes back from the page."""
    _act(account, identifier, "cancelled")


def _act(account: Account, identifier: str, done: str) -> None:
    payment = disputes.need(account, identifier, ("action",))
    payment["flow"]["done"] = done
    account.store.put(standing.PAYMENTS, payment)


def close_offer(account: Account, identifier: str, _data: Data) -> None:
    """The shopper never came back: OFFER_CLOSED."""
    payment = disputes.need(account, identifier, ("action", "pending"))
    lifecycle.stop(account, identifier)
    payment |= {"state": "expired", "result": "Cancelled"}
    account.store.put(standing.PAYMENTS, payment)
    notifications.send(account, "OFFER_CLOSED", payment, psp_reference=identifier, value=payment["authorised"])


def expire(account: Account, identifier: str, _data: Data) -> None:
    """The authorisation runs out: what was not captured is released, EXPIRE tells of it."""
    payment = disputes.need(account, identifier, ("authorised",))
    left = standing.open_amount(payment)
    if not left:
        raise NotNow(f"{identifier} has nothing that could run out")
    lifecycle.stop(account, identifier)
    payment["authorised"] = payment["captured"]
    payment["state"] = "authorised" if payment["captured"] else "expired"
    account.store.put(standing.PAYMENTS, payment)
    standing.record(account, "void", payment, left, code="expired")
    notifications.send(account, "EXPIRE", payment, psp_reference=identifier, value=left)


def report_available(account: Account, identifier: str, _data: Data) -> None:
    """A report is ready: the object is its file name."""
    about = {
        "currency": "EUR",
        "merchant": account.settings["merchant_account"],
        "reference": "",
        "method": "",
    }
    url = f"{account.world.url}/simulator/reports/{identifier}"
    notifications.send(account, "REPORT_AVAILABLE", about, psp_reference=identifier, value=0, reason=url)


ACTIONS: dict[str, Callable[[Account, str, Data], None]] = {
    action.__name__: action
    for action in (
        settle, refuse, fail, fail_capture, reverse_refund, capture_automatically, authenticate, fail_authentication,
        cancel_authentication, close_offer, expire, report_available,
    )
} | disputes.ACTIONS  # fmt: skip
