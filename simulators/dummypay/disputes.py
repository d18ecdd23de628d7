"""Disputes: a shopper's bank asks about a charge or takes its money back. They begin and move by `settle`; the merchant
reads them, accepts them, or sends evidence.

Every status says where the money is, and `moves` counts how often it has moved: 1 taken, 2 back, 3 taken again.
"""

from collections.abc import Callable, Mapping
from typing import Any

from simulators.dummypay import errors, movements, wire
from simulators.kit.accounts import Account
from simulators.kit.actions import BadRule
from simulators.kit.exchange import Exchange
from simulators.kit.http import Answer
from simulators.kit.routing import Route

Json = dict[str, Any]
Data = Mapping[str, Any]

RESPOND_WITHIN_S = 10 * 86_400
REASONS = {
    "fraud": "10.4", "not_received": "13.1", "not_as_described": "13.3", "duplicate": "12.6", "authorization": "11.3",
    "credit_not_processed": "13.6", "processing_error": "12.5", "subscription_canceled": "13.2",
}  # fmt: skip
"""Our words for reasons and the scheme's code that each comes with."""
FOLLOWS: dict[str, tuple[str, ...]] = {
    "inquiry": (),
    "needs_response": ("inquiry",),
    "under_review": ("needs_response",),
    "won": ("needs_response", "under_review", "pre_arbitration", "lost"),
    "lost": ("needs_response", "under_review", "pre_arbitration"),
    "accepted": ("needs_response", "pre_arbitration"),
    "pre_arbitration": ("under_review", "won", "lost"),
    "closed": ("inquiry", "needs_response"),
}
"""Status → those that it may follow. `inquiry` and `needs_response` begin a dispute as well."""
TAKEN: dict[str, bool] = {"needs_response": True, "won": False, "lost": True, "accepted": True, "closed": False}
"""Whether the bank has the money in a status; in the others it stays where it is."""


class NotNow(BadRule):
    """The object's state does not allow the movement; the control plane answers 422 with the message."""


def _newest(account: Account, identifier: str) -> Json | None:
    """A dispute by its own id or by its charge's."""
    listed = account.store.find("disputes", "charge", identifier)
    return listed[-1] if listed else account.store.get("disputes", identifier)


def _open(account: Account, charge_id: str, data: Data) -> Json:
    charge = account.store.get("charges", charge_id)
    rest = charge["amount_captured"] - charge["amount_refunded"] if charge is not None else 0
    amount, reason = data.get("amount", rest), data.get("reason", "fraud")
    if charge is None or type(amount) is not int or not 0 < amount <= rest:
        raise NotNow(f"{charge_id} is no charge with that much money to take back")
    if reason not in REASONS:
        raise NotNow(f"reason: one of {', '.join(REASONS)}")
    return {
        "id": account.new_id("dp_"),
        "object": "dispute",
        "status": "",
        "charge": charge_id,
        "amount": amount,
        "currency": charge["currency"],
        "reason": reason,
        "network_code": REASONS[reason],
        "moves": 0,
        "respond_by": account.now() + RESPOND_WITHIN_S,
        "evidence": None,
        "reference": charge["reference"],
        "payment": charge["payment"],
        "created": account.now(),
        "updated": account.now(),
    }


def move(account: Account, found: Json, status: str) -> Json:
    """The dispute takes a status, and the money goes where it belongs then."""
    after = {**found, "status": status, "updated": account.now()}
    taken = found["moves"] % 2 == 1
    if TAKEN.get(status, taken) != taken:
        after["moves"] += 1
        account.record(
            "chargeback_reversed" if taken else "chargeback",
            found["amount"],
            found["currency"],
            found["id"],
            parent=found["charge"],
            payment=found["payment"],
        )
    account.store.put("disputes", after)
    movements.send(account, f"dispute.{status}", after)
    return after


def _to(status: str) -> Callable[[Account, str, Data], None]:
    def action(account: Account, identifier: str, data: Data) -> None:
        found = _newest(account, identifier)
        if found is None and status in ("inquiry", "needs_response"):
            found = _open(account, identifier, data)
        elif found is None or found["status"] not in FOLLOWS[status]:
            state = "none" if found is None else found["status"]
            raise NotNow(f"the dispute of {identifier} is {state}; {status} cannot follow")
        move(account, found, status)

    action.__doc__ = f"The dispute of a charge, or one by its own id, becomes {status.replace('_', ' ')}."
    return action


ACTIONS = {f"dispute_{status}": _to(status) for status in FOLLOWS}


# -- the merchant's side
def _need(x: Exchange) -> Json:
    return x.store.get("disputes", x.params["id"]) or errors.not_found("dispute")


def get(x: Exchange) -> Answer:
    """GET /v1/disputes/{id}"""
    return Answer.json(200, _need(x))


def listing(x: Exchange) -> Answer:
    """GET /v1/disputes?charge=, oldest first"""
    charge = x.request.query.get("charge")
    if charge is None:
        errors.invalid("charge", "Say which charge's.")
    return Answer.json(200, {"object": "list", "data": x.store.find("disputes", "charge", charge)})


def accept(x: Exchange) -> Answer:
    """POST /v1/disputes/{id}/accept: an inquiry is over then, a dispute is given up."""
    found = _need(x)
    if found["status"] not in ("inquiry", *FOLLOWS["accepted"]):
        errors.wrong_state(f"A dispute that is {found['status']} cannot be accepted.")
    return Answer.json(200, move(x.account, found, "closed" if found["status"] == "inquiry" else "accepted"))


def prove(x: Exchange) -> Answer:
    """POST /v1/disputes/{id}/evidence: the answer to the bank; a dispute is under review then."""
    found = _need(x)
    if found["status"] not in ("inquiry", "needs_response", "pre_arbitration"):
        errors.wrong_state(f"A dispute that is {found['status']} takes no evidence.")
    text = wire.prose_of(x.body, "text")
    if not text:
        errors.invalid("text", "The evidence is missing.")
    after = {**found, "evidence": text}
    if found["status"] == "needs_response":
        return Answer.json(200, move(x.account, after, "under_review"))
    x.store.put("disputes", after)
    return Answer.json(200, after)


ROUTES = (
    Route("GET", "/v1/disputes", listing, "read"),
    Route("GET", "/v1/disputes/{id}", get, "read"),
    Route("POST", "/v1/disputes/{id}/accept", accept),
    Route("POST", "/v1/disputes/{id}/evidence", prove),
)
