"""Checkout.com's words → ours, as tables; and its objects → outcomes, as pure functions.

Response codes: Checkout.com's public table; 20xxx are the issuer's codes behind a prefix, 30xxx hard declines. Where a
row could be read two ways it is the careful one: what names a rule, a missing step or a doubt of somebody's never
cascades (RET-01). A status that is in no table is Pending: only an explicit yes is a yes, only an explicit no is a no.
"""

from collections.abc import Mapping
from typing import Any

from gateway.domain.decline import DeclineReason as R
from gateway.domain.outcome import ActionRequired, Approved, Declined, Outcome, Pending
from gateway.use_cases.ports import ProviderCall

DECLINES: dict[str, R] = {
    "20001": R.GENERIC_DECLINE,
    "20005": R.GENERIC_DECLINE,
    "20012": R.INVALID_REQUEST,
    "20014": R.INVALID_CARD,
    "20051": R.INSUFFICIENT_FUNDS,
    "20054": R.EXPIRED_CARD,
    "20057": R.NOT_PERMITTED,
    "20059": R.SUSPECTED_FRAUD,
    "20061": R.LIMIT_EXCEEDED,
    "20062": R.RESTRICTED_CARD,
    "20063": R.NOT_PERMITTED,
    "20068": R.ISSUER_UNAVAILABLE,
    "20078": R.NOT_PERMITTED,
    "20082": R.INCORRECT_CVC,
    "20154": R.AUTHENTICATION_REQUIRED,
    "20179": R.NOT_PERMITTED,
    "20182": R.NOT_PERMITTED,
    "20183": R.NOT_PERMITTED,
    "200N7": R.INCORRECT_CVC,
    "200R3": R.REVOKED_AUTHORIZATION,
    "30015": R.INVALID_CARD,
    "30041": R.LOST_CARD,
    "30043": R.STOLEN_CARD,
}
"""By `response_code`."""

ERRORS: dict[str, R] = {
    "card_number_invalid": R.INVALID_CARD,
    "card_number_required": R.INVALID_CARD,
    "card_expiry_month_invalid": R.INVALID_CARD,
    "card_expiry_year_invalid": R.INVALID_CARD,
    "card_expired": R.EXPIRED_CARD,
    "cvv_invalid": R.INCORRECT_CVC,
}
"""By `error_codes` of a 422: what is the shopper's to mend. All others are ours: `invalid_request`."""

EVENTS: dict[str, str] = {
    "payment_approved": "att_",
    "payment_pending": "att_",
    "payment_declined": "att_",
    "payment_captured": "cap_",
    "payment_capture_declined": "cap_",
    "payment_voided": "void_",
    "payment_void_declined": "void_",
    "payment_refunded": "ref_",
    "payment_refund_declined": "ref_",
}
"""The events that say something about one of our operations, and how its id begins."""

APPROVED = frozenset(
    {
        "Authorized",
        "Card Verified",
        "Voided",
        "Partially Captured",
        "Captured",
        "Partially Refunded",
        "Refunded",
        "Expired",
        "Paid",
    }
)
"""Statuses that only an approved payment reaches, whatever followed since."""

FACTOR = {"CLP": 100}
"""A currency without minor units whose amounts Checkout.com takes with two zeros (its page "Calculating the value")."""


def to_wire_amount(amount: int, currency: str) -> int:
    """Our minor units in Checkout.com's."""
    return amount * FACTOR.get(currency, 1)


def from_wire_amount(amount: int, currency: str) -> int:
    """Checkout.com's minor units in ours."""
    return amount // FACTOR.get(currency, 1)


def authorization(value: Mapping[str, Any], call: ProviderCall) -> Outcome:
    """The answer to `POST /payments`. Checkout.com captures an approved payment by itself if it was told to."""
    if value.get("status") == "Declined" or value.get("approved") is False:
        return declined(value, str(value["id"]))
    redirect = ((value.get("_links") or {}).get("redirect") or {}).get("href")
    if value.get("status") == "Pending" and redirect:
        return ActionRequired(str(value["id"]), {"type": "redirect", "url": str(redirect)})
    return payment(value, call)


def payment(value: Mapping[str, Any], call: ProviderCall) -> Outcome:
    """The state of a payment, as the outcome of the authorization that made it. `actions`: of a declined one."""
    reference, status = str(value["id"]), value.get("status")
    if status in APPROVED:
        currency = str(value["currency"])
        return Approved(
            provider_reference=reference,
            amount=from_wire_amount(int(value["amount"]), currency),
            currency=currency,
            captured=call.capture,
            network_transaction_id=value.get("scheme_id"),
        )
    if status == "Canceled":
        return Declined(R.NOT_PERMITTED, provider_code="canceled", provider_reference=reference)
    if status == "Declined":
        first: Mapping[str, Any] = next((item for item in value["actions"] if item.get("type") == "Authorization"), {})
        return declined(first, reference)
    return Pending(reference)


def accepted(value: Mapping[str, Any], _: ProviderCall) -> Outcome:
    """The answer to a capture, void or refund: accepted, whatever comes of it."""
    return Pending(str(value["action_id"]))


def action(value: Mapping[str, Any], call: ProviderCall) -> Outcome:
    """What an action of a payment says. It names no currency: that is its payment's."""
    reference = str(value["id"])
    match value.get("approved"):
        case True:
            amount = from_wire_amount(int(value["amount"]), call.currency)
            return Approved(reference, amount, call.currency, captured=call.kind == "capture")
        case False:
            return declined(value, reference)
        case _:
            return Pending(reference)


def declined(value: Mapping[str, Any], reference: str) -> Declined:
    """A refusal, from whatever holds `response_code`. Codes that the table lacks are `unmapped`: no retry."""
    code = str(value.get("response_code") or "unknown")
    network = code[3:] if len(code) == 5 and code.startswith(("200", "300")) else None
    return Declined(
        reason=DECLINES.get(code, R.UNMAPPED),
        provider_code=code,
        provider_reference=reference,
        network_code=network,
        message=value.get("response_summary"),
    )
