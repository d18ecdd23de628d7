"""Checkout.com's disputes: what a signed `dispute_*` event says of one, and the merchant's answer to it.

The event names no status and no movement of money; its type says both. The disputed amount is taken when the dispute is
received, and comes back when it is won, withdrawn by the bank, or won in arbitration.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import quote

import orjson

from gateway.connectors.checkout.mapping import from_wire_amount
from gateway.connectors.http import Answer, HttpClient
from gateway.domain.dispute import DisputeFact, DisputeReason, DisputeStatus, reason_of
from gateway.use_cases.ports import DisputeAnswered, DisputeCall, WebhookFact


class Said(NamedTuple):
    """What a type of event says: the status, and how often the money has moved by then."""

    status: DisputeStatus
    moves: int


EVENTS: dict[str, Said] = {
    "dispute_received": Said("needs_response", 1),
    "dispute_evidence_required": Said("needs_response", 1),
    "dispute_evidence_submitted": Said("under_review", 1),
    "dispute_evidence_acknowledged_by_scheme": Said("under_review", 1),
    "dispute_won": Said("won", 2),
    "dispute_canceled": Said("won", 2),
    "dispute_lost": Said("lost", 1),
    "dispute_expired": Said("lost", 1),
    "dispute_accepted": Said("accepted", 1),
    "dispute_resolved": Said("closed", 2),
    "dispute_arbitration_sent_to_scheme": Said("pre_arbitration", 1),
    "dispute_arbitration_won": Said("won", 2),
    "dispute_arbitration_lost": Said("lost", 1),
}

REASONS: dict[str, DisputeReason] = {
    "fraudulent": DisputeReason.FRAUD,
    "unrecognized": DisputeReason.FRAUD,
    "canceled_recurring": DisputeReason.SUBSCRIPTION_CANCELED,
    "product_service_not_received": DisputeReason.NOT_RECEIVED,
    "not_as_described": DisputeReason.NOT_AS_DESCRIBED,
    "credit_not_issued": DisputeReason.CREDIT_NOT_PROCESSED,
    "duplicate": DisputeReason.DUPLICATE,
    "incorrect_amount": DisputeReason.PROCESSING_ERROR,
}
"""By `category`; `general`: by the scheme's own code, else `other`."""


def fact(event: Mapping[str, Any], data: Mapping[str, Any]) -> WebhookFact:
    """A `dispute_*` event. What lacks a field, or is of a type that nobody mapped, is kept without a dispute."""
    reference = data.get("payment_reference")
    ours = reference if isinstance(reference, str) and reference.startswith("att_") else None
    try:
        told = _dispute(str(event["type"]), data)
    except (KeyError, TypeError, ValueError):
        told = None
    about = data.get("payment_id")
    return WebhookFact(event["id"], event["type"], ours, about if isinstance(about, str) else None, dispute=told)


def _dispute(kind: str, data: Mapping[str, Any]) -> DisputeFact | None:
    said, currency = EVENTS.get(kind), str(data["currency"])
    # Minor units; the file lets it be negative where the dispute is about money that was paid out.
    amount = from_wire_amount(int(data["amount"]), currency)
    if said is None or amount <= 0:
        return None
    code, due = data.get("reason_code"), data.get("evidence_required_by")
    return DisputeFact(
        provider_reference=str(data["id"]),
        status=said.status,
        amount=amount,
        currency=currency,
        reason=REASONS.get(str(data.get("category")), reason_of(code)),
        at=datetime.fromisoformat(str(data["date"])),
        network_code=code,
        moves=said.moves,
        evidence_due_at=None if due is None else datetime.fromisoformat(str(due)),
    )


async def answer(http: HttpClient, call: DisputeCall) -> DisputeAnswered:
    """Accept the dispute; or put evidence as text, then submit it. Checkout.com's notice tells what became of it."""
    path = f"/disputes/{quote(call.provider_reference, safe='')}"
    if call.answer == "accept":
        return await _send(http, call, "POST", f"{path}/accept", b"")
    given = await _send(
        http, call, "PUT", f"{path}/evidence", orjson.dumps({"additional_evidence_text": call.text or ""})
    )
    return await _send(http, call, "POST", f"{path}/evidence", b"") if given == "done" else given


async def _send(http: HttpClient, call: DisputeCall, method: str, path: str, body: bytes) -> DisputeAnswered:
    headers = {"Authorization": f"Bearer {call.account.credentials['api_key'].reveal()}"}
    if body:
        headers["Content-Type"] = "application/json"
    said = await http.send(method, call.account.base_url + path, headers, body, timeout_s=call.timeout_s)
    if not isinstance(said, Answer) or said.status >= 500 or said.status in (409, 429):
        return "unknown"
    return "done" if said.status < 300 else "refused"
