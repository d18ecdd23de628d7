"""Words that every provider's contract uses: states, and outcomes as JSON."""

from typing import Any

from contracts.kit.consumer import AMOUNT, CURRENCY, Given, Json
from gateway.domain.threeds import Cavv, ThreeDsProof

CAVV = "cGF5ZXJhLXRlc3QtY2F2di0wMDE="
PROOF = ThreeDsProof("2.2.0", "05", Cavv(CAVV), "4f2a9c1e-7b30-4d5a-8c61-90d2e3b7a514")
"""The proof of an authentication made elsewhere, as a payment brings it along."""

ACCOUNT: Given = ("an account", {})
NO_ACCOUNT: Given = ("no account", {})
AUTHORIZED: Given = ("a payment is authorized", {})
CAPTURED: Given = ("a payment is captured", {})
CAPTURE_SENT: Given = ("a capture was sent", {})
VOID_SENT: Given = ("a void was sent", {})
REFUND_SENT: Given = ("a refund was sent", {})
TIME_PASSES: Given = ("time passes", {"seconds": 120})


def declines(operation: str, code: str) -> Given:
    """The acquirer refuses operations of this kind."""
    return "the acquirer declines", {"operation": operation, "code": code}


def undecided(operation: str) -> Given:
    """The acquirer takes its time with operations of this kind."""
    return "the acquirer decides later", {"operation": operation}


def out_of_order(operation: str) -> Given:
    """Operations of this kind end in an HTTP 500."""
    return "the provider is out of order", {"operation": operation}


def too_many(operation: str) -> Given:
    """Operations of this kind are refused because there were too many."""
    return "there were too many requests", {"operation": operation}


def notified_of(event_type: str) -> Given:
    """The last state of every notification: which one arrives."""
    return "it notifies of", {"type": event_type}


def approved(reference: str, amount: int = AMOUNT, *, captured: bool = False, **fields: Any) -> Json:
    """Approved, amount in minor units."""
    told = {"kind": "approved", "provider_reference": reference, "amount": amount, "currency": CURRENCY}
    return told | {"captured": captured, **fields}


def pending(reference: str) -> Json:
    """Accepted, the result comes later."""
    return {"kind": "pending", "provider_reference": reference}


def short_of_funds(code: str, reference: str, message: str) -> Json:
    """Declined with the network's 51, under the provider's own code."""
    words = {"reason": "insufficient_funds", "advice": "schedule", "provider_code": code, "network_code": "51"}
    return {"kind": "declined", **words, "provider_reference": reference, "message": message}


def refused(code: str, message: str | None = None, **fields: Any) -> Json:
    """Declined because of what was asked, not of the card."""
    words = {"kind": "declined", "reason": "invalid_request", "advice": "none", "provider_code": code}
    return words | ({} if message is None else {"message": message}) | fields


ABSENT: Json = {"kind": "absent"}
OUT_OF_ORDER: Json = {"kind": "unknown", "cause": "server_error", "message": "HTTP 500"}
TOO_MANY: Json = {"kind": "unknown", "cause": "rate_limited"}
