"""Stripe's disputes: what a signed `charge.dispute.*` event says of one, and the merchant's answer to it.

Unlike other events these are not hints: the signed event holds the whole object, and a read would add nothing. Where
the money is, and what Stripe kept of it, is in `balance_transactions`: one for each time it moved.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from gateway.connectors.http import Answer, HttpClient
from gateway.connectors.stripe import wire
from gateway.connectors.stripe.mapping import from_wire_amount
from gateway.domain.dispute import DisputeFact, DisputeReason, DisputeStatus, reason_of
from gateway.use_cases.ports import DisputeAnswered, DisputeCall, WebhookFact

PREFIX = "charge.dispute."
EVENTS: tuple[str, ...] = tuple(
    PREFIX + word for word in ("created", "updated", "closed", "funds_withdrawn", "funds_reinstated")
)

STATUSES: dict[str, DisputeStatus] = {
    "warning_needs_response": "inquiry",
    "warning_under_review": "inquiry",
    "warning_closed": "closed",
    "needs_response": "needs_response",
    "under_review": "under_review",
    "appeal_needs_response": "pre_arbitration",
    "appeal_under_review": "pre_arbitration",
    "won": "won",
    "lost": "lost",
    "charge_refunded": "closed",
    "prevented": "closed",
}

REASONS: dict[str, DisputeReason] = {
    "bank_cannot_process": DisputeReason.PROCESSING_ERROR,
    "credit_not_processed": DisputeReason.CREDIT_NOT_PROCESSED,
    "debit_not_authorized": DisputeReason.AUTHORIZATION,
    "duplicate": DisputeReason.DUPLICATE,
    "fraudulent": DisputeReason.FRAUD,
    "incorrect_account_details": DisputeReason.PROCESSING_ERROR,
    "insufficient_funds": DisputeReason.AUTHORIZATION,
    "product_not_received": DisputeReason.NOT_RECEIVED,
    "product_unacceptable": DisputeReason.NOT_AS_DESCRIBED,
    "subscription_canceled": DisputeReason.SUBSCRIPTION_CANCELED,
    "unrecognized": DisputeReason.FRAUD,
}
"""`general` and what comes later: by the network's own code, else `other`."""


def fact(event: Mapping[str, Any]) -> WebhookFact:
    """A `charge.dispute.*` event. What lacks a field, or has a status that nobody mapped, is kept without a dispute."""
    value = (event.get("data") or {}).get("object") or {}
    about = value.get("payment_intent") or value.get("charge")
    reference = str(about.get("id")) if isinstance(about, Mapping) else about
    try:
        told = _dispute(value, int(event["created"]))
    except (KeyError, TypeError, ValueError):
        told = None
    return WebhookFact(event["id"], event["type"], None, reference, dispute=told)


def _dispute(value: Mapping[str, Any], created: int) -> DisputeFact | None:
    status, amount = STATUSES.get(str(value["status"])), int(value["amount"])
    if status is None or amount <= 0:
        return None
    currency = str(value["currency"]).upper()
    booked = value.get("balance_transactions") or []
    due = (value.get("evidence_details") or {}).get("due_by")
    code = ((value.get("payment_method_details") or {}).get("card") or {}).get("network_reason_code")
    same = all(str(each["currency"]).upper() == currency for each in booked)
    return DisputeFact(
        provider_reference=str(value["id"]),
        status=status,
        amount=from_wire_amount(amount, currency),
        currency=currency,
        reason=REASONS.get(str(value.get("reason")), reason_of(code)),
        at=datetime.fromtimestamp(created, UTC),
        network_code=code,
        moves=len(booked),
        # In another currency than the dispute's it is not a fee of this payment's books.
        fee=from_wire_amount(sum(int(each["fee"]) for each in booked), currency) if same else None,
        evidence_due_at=None if due is None else datetime.fromtimestamp(int(due), UTC),
    )


async def answer(http: HttpClient, call: DisputeCall) -> DisputeAnswered:
    """Close the dispute, or submit evidence as text. Stripe's notice then tells what became of it."""
    path = f"/v1/disputes/{quote(call.provider_reference, safe='')}"
    form: wire.Form = {}
    if call.answer == "accept":
        path += "/close"
    else:
        form = {"evidence[uncategorized_text]": call.text or "", "submit": "true"}
    headers = {
        "Authorization": f"Bearer {call.account.credentials['api_key'].reveal()}",
        "Stripe-Version": wire.API_VERSION,
        "Content-Type": "application/x-www-form-urlencoded",
        "Idempotency-Key": call.key,
    }
    url = call.account.base_url + path
    said = await http.send("POST", url, headers, wire.encode(form), timeout_s=call.timeout_s)
    if not isinstance(said, Answer) or said.status >= 500 or said.status in (409, 429):
        return "unknown"
    return "done" if said.status < 300 else "refused"
