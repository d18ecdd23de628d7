"""How payments and their actions come to rest: where states change, money is journaled and events are sent.

A payment is authorized while its request is answered; captures, voids and refunds are accepted first and processed
then. With the default lifecycles that happens in the same commit, and the notification follows the answer.
"""

from collections.abc import Callable, Mapping
from typing import Any

from simulators.checkout import events, wire
from simulators.checkout.params import iso_minor_units
from simulators.kit import lifecycle
from simulators.kit.accounts import Account, iso
from simulators.kit.journal import Kind

Json = dict[str, Any]

APPROVED = ("10000", "Approved")
AUTHORIZATION_S = 7 * 86_400
"""`expires_on` of an authorization: a week. It lapses by `settle` with `expire` or by the `authorization` lifecycle."""
CHALLENGE_EXPIRED = "20152"
CHALLENGE_FAILED = "20151"
DIGITS = "0123456789"


# -- making actions
def new_action(account: Account, payment: Json, kind: str, amount: int, **more: Any) -> Json:
    """An action that is accepted and not processed yet. `amount` in minor units; reference and metadata are its own."""
    return {
        "id": wire.new_id(account, "act_"),
        "payment": payment["id"],
        "type": kind,
        "amount": amount,
        "order": account.store.count("actions") + 1,
        "processed_on": None,
        "approved": None,
        "auth_code": None,
        "response_code": None,
        "response_summary": None,
        "authorization_type": None,
        "reference": None,
        "metadata": None,
        "processing": None,
        "final": True,
        "journal": True,
        **more,
    }


def _process(account: Account, action: Json, decline: str | None = None, advice: str | None = None) -> None:
    """Write the acquirer's answer into an action, and keep it. `advice` replaces the recommendation of the code."""
    action["processed_on"] = wire.now(account)
    action["approved"] = decline is None
    number = account.new_id("", 32, DIGITS)
    action["processing"] = {"retrieval_reference_number": number[:12], "acquirer_transaction_id": number[11:]}
    if decline is None:
        action["response_code"], action["response_summary"] = APPROVED
        if action["type"] in ("Authorization", "Card Verification"):
            action["auth_code"] = account.new_id("", 6, DIGITS)
        elif action["type"] != "Void":
            action["processing"]["acquirer_reference_number"] = account.new_id("", 23, DIGITS)
    else:
        said = account.world.rules.decline(decline)
        action["response_code"], action["response_summary"] = said.code, said.message
        recommended = advice or said.data.get("recommendation")
        if recommended is not None:
            action["processing"]["recommendation_code"] = str(recommended)
    if action["type"] not in ("Authorization", "Card Verification"):
        action["processing"].pop("retrieval_reference_number")
    account.store.put("actions", action)


def _record(account: Account, kind: Kind, payment: Json, action: Json, *, whole: bool = False) -> None:
    """A line of the journal: authorizations bear the payment's id, everything after them the action's."""
    own = (action["metadata"] or {}).get("payera_payment")
    account.record(
        kind,
        iso_minor_units(action["amount"], payment["currency"]),
        payment["currency"],
        payment["id"] if whole else action["id"],
        parent=None if whole else payment["id"],
        reference=action["reference"],
        payment=own or (payment["metadata"] or {}).get("payera_payment"),
        code=None if action["approved"] else action["response_code"],
    )


# -- authorization
def approve_payment(account: Account, payment: Json, action: Json) -> None:
    """The issuer said yes. An automatic capture is begun by `capture_if_asked`, once this state has been shown."""
    _process(account, action)
    payment["approved"] = True
    payment["scheme_id"] = account.new_id("", 15, DIGITS)
    if action["type"] == "Card Verification":
        payment["status"] = "Card Verified"
    else:
        payment["status"] = "Authorized"
        payment["authorized"] = action["amount"]
        payment["expires_on"] = iso(account.clock.now() + AUTHORIZATION_S)
        _record(account, "charge" if _at_once(account, payment) else "authorize", payment, action, whole=True)
    account.store.put("payments", payment)
    kind = "card_verified" if action["type"] == "Card Verification" else "payment_approved"
    events.send(account, kind, payment, action)


def decline_payment(account: Account, payment: Json, action: Json, code: str, advice: str | None = None) -> None:
    """The issuer, the risk engine or the authentication said no."""
    _process(account, action, code, advice)
    payment["approved"], payment["status"] = False, "Declined"
    payment["flagged"] = action["response_code"].startswith("4")
    _record(account, "decline", payment, action, whole=True)
    account.store.put("payments", payment)
    verifying = action["type"] == "Card Verification"
    events.send(account, "card_verification_declined" if verifying else "payment_declined", payment, action)


def _delay(account: Account, payment: Json) -> lifecycle.Mode:
    """When an automatic capture happens: at `capture_on`, else as the `capture` lifecycle says."""
    if payment["capture_on"] is not None and payment["capture_on"] > account.clock.now():
        return lifecycle.after(payment["capture_on"] - account.clock.now())
    return account.mode("capture")


def _at_once(account: Account, payment: Json) -> bool:
    return bool(payment["capture"]) and _delay(account, payment) == lifecycle.IMMEDIATE


def capture_if_asked(account: Account, payment: Json) -> None:
    """Begin the automatic capture of an approved payment. At once, it was journaled as a charge already."""
    if payment["status"] != "Authorized":
        return
    if not payment["capture"]:
        lasts = account.mode("authorization").seconds
        payment["lapses"] = None if lasts is None else account.clock.now() + lasts
        account.store.put("payments", payment)
        _hold(account, payment)
        return
    mode = _delay(account, payment)
    action = new_action(
        account, payment, "Capture", payment["authorized"],
        reference=payment["reference"], metadata=payment["metadata"], journal=mode != lifecycle.IMMEDIATE,
        automatic=True,
    )  # fmt: skip
    account.store.put("actions", action)
    lifecycle.start(account, action["id"], "settle", mode)


def _hold(account: Account, payment: Json) -> None:
    """Let what is authorized and not captured lapse at its time; nothing waits where nothing is held."""
    lifecycle.stop(account, payment["id"])
    if payment.get("lapses") is not None and not payment["closed"]:
        left = max(0.0, payment["lapses"] - account.clock.now())
        lifecycle.start(account, payment["id"], "expire", lifecycle.after(left))


# -- what follows an authorization
def _capture(account: Account, payment: Json, action: Json) -> str:
    payment["captured"] += action["amount"]
    left = payment["authorized"] - payment["voided"] - payment["captured"]
    payment["closed"] = payment["closed"] or action["final"] or left <= 0
    payment["status"] = "Captured" if left <= 0 else "Partially Captured"
    _hold(account, payment)
    if action["journal"]:
        _record(account, "capture", payment, action, whole=action.get("automatic", False))
    return "payment_captured"


def _void(account: Account, payment: Json, action: Json) -> str:
    payment["voided"] += action["amount"]
    payment["status"], payment["closed"] = "Voided", True
    lifecycle.stop(account, payment["id"])
    _record(account, "void", payment, action)
    return "payment_voided"


def _refund(account: Account, payment: Json, action: Json) -> str:
    payment["refunded"] += action["amount"]
    payment["status"] = "Refunded" if payment["refunded"] >= payment["captured"] else "Partially Refunded"
    _record(account, "refund", payment, action)
    return "payment_refunded"


def _increment(account: Account, payment: Json, action: Json) -> str:
    payment["authorized"] += action["amount"]
    payment["amount"] = payment["authorized"]
    payment["expires_on"] = iso(account.clock.now() + AUTHORIZATION_S)
    _record(account, "authorize", payment, action)
    return "payment_authorization_incremented"


_DONE: dict[str, Callable[[Account, Json, Json], str]] = {
    "Capture": _capture,
    "Void": _void,
    "Refund": _refund,
    "Authorization": _increment,
}
_REFUSED = {
    "Capture": "payment_capture_declined",
    "Void": "payment_void_declined",
    "Refund": "payment_refund_declined",
    "Authorization": "payment_authorization_increment_declined",
}


def process(account: Account, payment: Json, action: Json, decline: str | None = None) -> None:
    """Process an accepted capture, void, refund or increment: as asked, or declined with a code."""
    _process(account, action, decline)
    if decline is None:
        kind = _DONE[action["type"]](account, payment, action)
        account.store.put("payments", payment)
    else:
        kind = _REFUSED[action["type"]]
        _record(account, "decline", payment, action)
    events.send(account, kind, payment, action)


# -- movements by name: lifecycles and the control plane's `settle`
def _found(account: Account, object_id: str) -> tuple[Json | None, Json | None]:
    """The payment and the action that an id means: a payment's id stands for its authorization."""
    action = account.store.get("actions", object_id)
    payment = account.store.get("payments", action["payment"] if action is not None else object_id)
    if payment is not None and action is None:
        action = account.store.get("actions", payment["authorization"])
    return payment, action


def conclude(account: Account, payment: Json, action: Json, then: str) -> None:
    """Bring an undecided payment or action to rest: `then` is `approve`, or the code it is declined with."""
    payment["challenge"] = None
    if action["id"] != payment["authorization"]:
        process(account, payment, action, None if then == "approve" else then)
    elif then == "approve":
        approve_payment(account, payment, action)
        capture_if_asked(account, payment)
    else:
        decline_payment(account, payment, action, then)


def _settle(account: Account, object_id: str, data: Mapping[str, Any]) -> None:
    payment, action = _found(account, object_id)
    if payment is not None and action is not None and action["id"] == payment["authorization"] and action["approved"]:
        # The payment's own automatic capture, which waits.
        waiting = [one for one in account.store.find("actions", "payment", payment["id"]) if one["approved"] is None]
        action = waiting[-1] if waiting else action
        lifecycle.stop(account, action["id"])
    if payment is not None and action is not None and action["processed_on"] is None:
        conclude(account, payment, action, data.get("then", "approve"))


def _decline(account: Account, object_id: str, _data: Mapping[str, Any]) -> None:
    _settle(account, object_id, {"then": "20005"})


def _expire(account: Account, object_id: str, _data: Mapping[str, Any]) -> None:
    """The rest of an authorization lapses; a challenge that nobody answered is declined."""
    payment, action = _found(account, object_id)
    if payment is None or action is None:
        return
    if payment["status"] == "Pending":
        conclude(account, payment, action, CHALLENGE_EXPIRED)
    elif payment["status"] in ("Authorized", "Partially Captured") and not payment["closed"]:
        lifecycle.stop(account, payment["id"])
        left = payment["authorized"] - payment["voided"] - payment["captured"]
        payment["closed"] = True
        if payment["status"] == "Authorized":
            payment["status"] = "Expired"
        account.store.put("payments", payment)
        account.record(
            "void", iso_minor_units(left, payment["currency"]), payment["currency"], payment["id"],
            reference=payment["reference"], payment=(payment["metadata"] or {}).get("payera_payment"), code="expired",
        )  # fmt: skip
        events.send(account, "payment_expired", payment, action)


def cancel(account: Account, object_id: str, _data: Mapping[str, Any]) -> None:
    """The shopper gave the payment up on the PSP's page."""
    payment, action = _found(account, object_id)
    if payment is None or action is None or payment["status"] != "Pending":
        return
    payment["status"], payment["approved"], payment["challenge"] = "Canceled", False, None
    account.store.put("payments", payment)
    lifecycle.stop(account, payment["id"])
    events.send(account, "payment_canceled", payment, action)


def authenticated(account: Account, object_id: str, data: Mapping[str, Any]) -> None:
    """The shopper's bank answered the challenge: `status` Y, A, N, R or U; then the authorization goes its way."""
    payment, action = _found(account, object_id)
    if payment is None or action is None or payment["challenge"] is None or action["processed_on"] is not None:
        return
    status = str(data.get("status", "Y"))
    then = payment["challenge"]["then"]
    payment["3ds"] |= {"authentication_response": status, "challenged": bool(data.get("challenged", True))}
    if status in ("Y", "A"):
        payment["3ds"] |= {"cryptogram": account.new_id("", 27) + "=", "xid": account.new_id("", 27) + "="}
        payment["eci"] = _ECI.get(payment["source"]["card"]["brand"], _ECI["visa"])[status]
        then = "approve" if then == "20154" else then  # what that issuer missed is here now
    else:
        then = "20153" if status == "U" else CHALLENGE_FAILED
    lifecycle.stop(account, payment["id"])
    conclude(account, payment, action, then)


_ECI = {"visa": {"Y": "05", "A": "06"}, "mastercard": {"Y": "02", "A": "01"}}
"""Electronic commerce indicators of full and attempted authentication; all other schemes use Visa's."""


def _fail(account: Account, object_id: str, _data: Mapping[str, Any]) -> None:
    authenticated(account, object_id, {"status": "N"})


ACTIONS = {
    "settle": _settle,
    "approve": lambda account, object_id, _data: _settle(account, object_id, {}),
    "decline": _decline,
    "expire": _expire,
    "cancel": cancel,
    "authenticate": authenticated,
    "fail_authentication": _fail,
}
"""What may happen to an undecided payment or action: as its rule says, or as these words say."""
