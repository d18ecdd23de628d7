"""Disputes: the shopper's bank takes a captured payment back. They begin and end by the control plane's `settle`, as
nothing in the API makes one; the merchant reads them, accepts them, or answers with evidence.
"""

from collections.abc import Mapping
from typing import Any

from simulators.checkout import errors, events, objects, wire
from simulators.checkout.params import iso_minor_units
from simulators.kit.accounts import Account, iso
from simulators.kit.actions import BadRule
from simulators.kit.exchange import Exchange
from simulators.kit.http import Answer, Refusal
from simulators.kit.journal import Kind

Json = dict[str, Any]

RESPONSE_S = 14 * 86_400
"""How long the merchant may answer; after that the dispute expires, by hand."""
REASONS = {"visa": "10.4", "mastercard": "4837"}
OPEN = ("evidence_required", "evidence_under_review")
EVIDENCE = (
    "proof_of_delivery_or_service",
    "invoice_or_receipt",
    "invoice_showing_distinct_transactions",
    "customer_communication",
    "refund_or_cancellation_policy",
    "recurring_transaction_agreement",
    "additional_evidence",
)
"""Kinds of evidence; each as `<kind>_file` (a file's id) or `<kind>_text`."""


class NotNow(BadRule):
    """The object's state does not allow the movement; the control plane answers 422 with the message."""


# -- movements by hand
def dispute(account: Account, payment_id: str, _data: Mapping[str, Any]) -> None:
    """What is captured and not refunded is taken back. Raises NotNow."""
    payment = account.store.get("payments", payment_id)
    if payment is None or payment["captured"] <= payment["refunded"]:
        raise NotNow(f"{payment_id} is no payment with money to take back")
    if any(
        one["status"] in (*OPEN, "lost", "accepted") for one in account.store.find("disputes", "payment", payment_id)
    ):
        raise NotNow(f"{payment_id} is disputed already")
    now = account.clock.now()
    made = {
        "id": account.new_id("dsp_", 22, wire.BASE32),
        "payment": payment_id,
        "category": "fraudulent",
        "amount": payment["captured"] - payment["refunded"],
        "currency": payment["currency"],
        "reason_code": REASONS.get(payment["source"]["card"]["brand"], REASONS["visa"]),
        "status": "evidence_required",
        "evidence_required_by": iso(now + RESPONSE_S),
        "received_on": iso(now),
        "last_update": iso(now),
        "evidence": {},
    }
    account.store.put("disputes", made)
    _move(account, "chargeback", made, payment)
    _tell(account, "dispute_received", made, payment)
    _tell(account, "dispute_evidence_required", made, payment)


def _end(
    account: Account,
    identifier: str,
    status: str,
    kind: str,
    *,
    money_back: bool = False,
    states: tuple[str, ...] = OPEN,
    what: str = "open",
) -> None:
    """A dispute, by its own id or by its payment's (the newest then), goes on to another status."""
    listed = account.store.find("disputes", "payment", identifier)
    found = listed[-1] if listed else account.store.get("disputes", identifier)
    if found is None or found["status"] not in states:
        raise NotNow(f"{identifier} is no {what} dispute")
    payment = account.store.get("payments", found["payment"])
    assert payment is not None, "a dispute is about a payment, and payments are never deleted"
    found |= {"status": status, "last_update": wire.now(account)}
    account.store.put("disputes", found)
    if money_back:
        _move(account, "chargeback_reversed", found, payment)
    _tell(account, kind, found, payment)


def win(account: Account, dispute_id: str, _data: Mapping[str, Any]) -> None:
    """The bank accepts the evidence: the money comes back."""
    _end(account, dispute_id, "won", "dispute_won", money_back=True)


def lose(account: Account, dispute_id: str, _data: Mapping[str, Any]) -> None:
    """The bank rejects the evidence."""
    _end(account, dispute_id, "lost", "dispute_lost")


def withdraw(account: Account, dispute_id: str, _data: Mapping[str, Any]) -> None:
    """The bank withdraws the dispute: the money comes back."""
    _end(account, dispute_id, "canceled", "dispute_canceled", money_back=True)


def lapse(account: Account, dispute_id: str, _data: Mapping[str, Any]) -> None:
    """Nobody answered in time."""
    _end(account, dispute_id, "expired", "dispute_expired")


def review(account: Account, dispute_id: str, _data: Mapping[str, Any]) -> None:
    """The merchant's evidence goes to the bank, given by hand (in the Dashboard) and not by the API."""
    states = ("evidence_required",)
    _end(account, dispute_id, "evidence_under_review", "dispute_evidence_submitted", states=states)


def resolve(account: Account, dispute_id: str, _data: Mapping[str, Any]) -> None:
    """It is over without a decision, as the payment was refunded already: the money comes back."""
    _end(account, dispute_id, "resolved", "dispute_resolved", money_back=True, states=("evidence_required",))


def arbitrate(account: Account, dispute_id: str, _data: Mapping[str, Any]) -> None:
    """The merchant takes a lost dispute to the scheme."""
    kind = "dispute_arbitration_sent_to_scheme"
    _end(account, dispute_id, "arbitration_under_review", kind, states=("lost",), what="lost")


def win_arbitration(account: Account, dispute_id: str, _data: Mapping[str, Any]) -> None:
    """The scheme decides for the merchant: the money comes back."""
    states = ("arbitration_under_review",)
    _end(account, dispute_id, "arbitration_won", "dispute_arbitration_won", money_back=True, states=states, what="such")


def lose_arbitration(account: Account, dispute_id: str, _data: Mapping[str, Any]) -> None:
    """The scheme decides for the shopper."""
    states = ("arbitration_under_review",)
    _end(account, dispute_id, "arbitration_lost", "dispute_arbitration_lost", states=states, what="such")


ACTIONS = {
    "dispute": dispute,
    "review_dispute": review,
    "resolve_dispute": resolve,
    "arbitrate_dispute": arbitrate,
    "win_arbitration": win_arbitration,
    "lose_arbitration": lose_arbitration,
    "win_dispute": win,
    "lose_dispute": lose,
    "cancel_dispute": withdraw,
    "expire_dispute": lapse,
}


def _move(account: Account, kind: Kind, found: Json, payment: Json) -> None:
    account.record(
        kind,
        iso_minor_units(found["amount"], found["currency"]),
        found["currency"],
        found["id"],
        parent=payment["id"],
        reference=payment["reference"],
        payment=(payment["metadata"] or {}).get("payera_payment"),
    )


def _tell(account: Account, kind: str, found: Json, payment: Json) -> None:
    body = {
        "id": found["id"],
        "date": wire.now(account),
        "category": found["category"],
        "amount": found["amount"],
        "currency": found["currency"],
        "reason_code": found["reason_code"],
        "evidence_required_by": found["evidence_required_by"] if found["status"] == "evidence_required" else None,
        "payment_id": payment["id"],
        "payment_action_id": payment["authorization"],
        "payment_reference": payment["reference"],
        "payment_method": objects.source(payment).get("scheme"),
    }
    events.publish(account, kind, found["id"], objects.shown(body))


# -- the merchant's side
def _need(x: Exchange) -> tuple[Json, Json]:
    found = x.store.get("disputes", x.params["id"]) or errors.not_found()
    payment = x.store.get("payments", found["payment"])
    assert payment is not None, "a dispute is about a payment, and payments are never deleted"
    return found, payment


def _view(base: str, found: Json) -> Json:
    keys = ("id", "category", "status", "amount", "currency", "reason_code", "received_on", "last_update")
    view = {key: found[key] for key in keys}
    if found["status"] == "evidence_required":
        view["evidence_required_by"] = found["evidence_required_by"]
    return view | {"_links": {"self": {"href": f"{base}/disputes/{found['id']}"}}}


def get(x: Exchange) -> Answer:
    """GET /disputes/{id}"""
    found, payment = _need(x)
    view = _view(x.request.base_url, found)
    view["payment"] = {
        "id": payment["id"],
        "action_id": payment["authorization"],
        "amount": payment["amount"],
        "currency": payment["currency"],
        "method": objects.source(payment).get("scheme"),
        "has_refund": payment["refunded"] > 0,
        "processed_on": payment["requested_on"],
    }
    return wire.answer(200, view)


def listing(x: Exchange) -> Answer:
    """GET /disputes?payment_id=&payment_reference=&statuses=&limit=&skip="""
    query = x.request.query
    limit, skip = wire.paging(query, 50, 250)
    statuses = query.get("statuses", "").split(",") if query.get("statuses") else None
    data: list[Json] = []
    for found in x.store.all("disputes", newest_first=True):
        payment = x.store.get("payments", found["payment"]) or {}
        if query.get("payment_id", found["payment"]) != found["payment"]:
            continue
        if query.get("payment_reference", payment.get("reference")) != payment.get("reference"):
            continue
        if statuses is None or found["status"] in statuses:
            more = {"payment_id": found["payment"], "payment_reference": payment.get("reference")}
            data.append(_view(x.request.base_url, found) | objects.shown(more))
    page = {"limit": limit, "skip": skip, "total_count": len(data), "data": data[skip : skip + limit]}
    return wire.answer(200, page)


def accept(x: Exchange) -> Answer:
    """POST /disputes/{id}/accept"""
    found, _ = _need(x)
    if found["status"] != "evidence_required":
        errors.not_allowed()
    _end(x.account, found["id"], "accepted", "dispute_accepted")
    return errors.empty(204)


def provide(x: Exchange) -> Answer:
    """PUT /disputes/{id}/evidence: a first version, or a better one"""
    found, _ = _need(x)
    if found["status"] != "evidence_required":
        errors.not_allowed()
    known = {f"{kind}_{form}" for kind in EVIDENCE for form in ("file", "text")}
    given = {name: value for name, value in x.body.items() if name in known}
    if not given or not all(isinstance(value, str) and value for value in given.values()):
        raise Refusal(errors.empty(422))
    x.store.put("disputes", {**found, "evidence": {**found["evidence"], **given}})
    return errors.empty(204)


def evidence(x: Exchange) -> Answer:
    """GET /disputes/{id}/evidence"""
    found, _ = _need(x)
    if not found["evidence"]:
        errors.not_found()
    return wire.answer(200, found["evidence"])


def submit(x: Exchange) -> Answer:
    """POST /disputes/{id}/evidence: to the bank, once"""
    found, payment = _need(x)
    if found["status"] != "evidence_required" or not found["evidence"]:
        errors.not_allowed()
    found |= {"status": "evidence_under_review", "last_update": wire.now(x.account)}
    x.store.put("disputes", found)
    _tell(x.account, "dispute_evidence_submitted", found, payment)
    return errors.empty(204)
