"""Checkout.com's objects → outcomes, as pure functions. Its codes → our reasons are in `declines`.

A status that is in no table is Pending: only an explicit yes is a yes, only an explicit no is a no.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gateway.connectors.checkout.declines import DECLINES, NETWORK_CODES
from gateway.domain.decline import DeclineReason as R
from gateway.domain.outcome import ActionRequired, Approved, Declined, Expired, Outcome, Pending
from gateway.use_cases.ports import ProviderCall

EVENTS: dict[str, str] = {
    "payment_approved": "att_",
    "payment_pending": "att_",
    "payment_declined": "att_",
    "payment_canceled": "att_",
    "payment_expired": "att_",
    "payment_captured": "cap_",
    "payment_capture_declined": "cap_",
    "payment_voided": "void_",
    "payment_void_declined": "void_",
    "payment_refunded": "ref_",
    "payment_refund_declined": "ref_",
}
"""The events that say something about one of our operations, and how its id begins."""

CLOSED = frozenset({"20014", "20046", "20054", "30046"})
"""Response codes that, of a refund, say that there is no account behind the card any more."""

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
    if status == "Expired" or (status == "Partially Captured" and not call.capture and _nothing_held(value)):
        return Expired(reference)
    if status in APPROVED:
        currency = str(value["currency"])
        return Approved(
            provider_reference=reference,
            amount=from_wire_amount(int(value["amount"]), currency),
            currency=currency,
            captured=call.capture and not value.get("capture_declined"),
            network_transaction_id=value.get("scheme_id"),
        )
    if status == "Canceled":
        return Declined(R.NOT_PERMITTED, provider_code="canceled", provider_reference=reference)
    if status == "Declined":
        first: Mapping[str, Any] = next((item for item in value["actions"] if item.get("type") == "Authorization"), {})
        return declined(first, reference)
    return Pending(reference)


def capture_declined(actions: list[Mapping[str, Any]]) -> bool:
    """Whether a capture was refused and none was made."""
    verdicts = {item.get("approved") for item in actions if item.get("type") == "Capture"}
    return False in verdicts and True not in verdicts and None not in verdicts


def _nothing_held(value: Mapping[str, Any]) -> bool:
    """Of a payment captured in part: the rest was released, by its time if not by a final capture of ours."""
    return (value.get("balances") or {}).get("available_to_capture") == 0


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
            found = declined(value, reference)
            if call.kind == "refund" and found.provider_code in CLOSED:
                return replace(found, reason=R.CARD_CLOSED)
            return found
        case _:
            return Pending(reference)


def declined(value: Mapping[str, Any], reference: str) -> Declined:
    """A refusal, from whatever holds `response_code`. Codes that the table lacks are `unmapped`: no retry."""
    code = str(value.get("response_code") or "unknown")
    return Declined(
        reason=DECLINES.get(code, R.UNMAPPED),
        provider_code=code,
        provider_reference=reference,
        network_code=NETWORK_CODES.get(code),
        network_advice=_advice(value),
        message=value.get("response_summary"),
    )


def _advice(value: Mapping[str, Any]) -> str | None:
    """`processing.recommendation_code`: two digits, numbered as Mastercard's merchant advice codes are."""
    code = (value.get("processing") or {}).get("recommendation_code")
    return None if code is None else str(code)
