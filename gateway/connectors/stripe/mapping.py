"""Stripe's words → ours, as tables; and objects → outcomes, as pure functions.

Decline codes: Stripe's public table of decline codes, plus the error codes that stand alone. Where a row could be read
two ways it is the careful one: a code that tells not to try again, or that names a rule and not a mood of the issuer,
never cascades (RET-01). A status that is not in a table is Pending: only an explicit yes is a yes, only an explicit
no is a no.
"""

from collections.abc import Mapping
from typing import Any

from gateway.domain.decline import DeclineReason as R
from gateway.domain.outcome import (
    Absent,
    ActionRequired,
    Approved,
    Declined,
    Expired,
    Outcome,
    Pending,
    Unknown,
)
from gateway.use_cases.ports import ProviderCall

DECLINES: dict[str, R] = {
    "approve_with_id": R.GENERIC_DECLINE,
    "authentication_not_handled": R.AUTHENTICATION_REQUIRED,
    "authentication_required": R.AUTHENTICATION_REQUIRED,
    "call_issuer": R.GENERIC_DECLINE,
    "card_declined": R.GENERIC_DECLINE,
    "card_not_supported": R.NOT_PERMITTED,
    "card_velocity_exceeded": R.LIMIT_EXCEEDED,
    "currency_not_supported": R.NOT_PERMITTED,
    "do_not_honor": R.GENERIC_DECLINE,
    "do_not_try_again": R.NOT_PERMITTED,
    "duplicate_transaction": R.INVALID_REQUEST,
    "expired_card": R.EXPIRED_CARD,
    "fraudulent": R.SUSPECTED_FRAUD,
    "generic_decline": R.GENERIC_DECLINE,
    "highest_risk_level": R.SUSPECTED_FRAUD,
    "incorrect_cvc": R.INCORRECT_CVC,
    "incorrect_number": R.INVALID_CARD,
    "incorrect_pin": R.INVALID_CARD,
    "incorrect_zip": R.INVALID_CARD,
    "insufficient_funds": R.INSUFFICIENT_FUNDS,
    "invalid_account": R.INVALID_CARD,
    "invalid_amount": R.INVALID_REQUEST,
    "invalid_cvc": R.INCORRECT_CVC,
    "invalid_expiry_month": R.INVALID_CARD,
    "invalid_expiry_year": R.INVALID_CARD,
    "invalid_number": R.INVALID_CARD,
    "invalid_pin": R.INVALID_CARD,
    "issuer_not_available": R.ISSUER_UNAVAILABLE,
    "lost_card": R.LOST_CARD,
    "merchant_blacklist": R.SUSPECTED_FRAUD,
    "new_account_information_available": R.INVALID_CARD,
    "no_action_taken": R.GENERIC_DECLINE,
    "not_permitted": R.NOT_PERMITTED,
    "offline_pin_required": R.AUTHENTICATION_REQUIRED,
    "online_or_offline_pin_required": R.AUTHENTICATION_REQUIRED,
    "payment_intent_authentication_failure": R.AUTHENTICATION_FAILED,
    "pickup_card": R.PICKUP_CARD,
    "pin_try_exceeded": R.NOT_PERMITTED,
    "processing_error": R.SYSTEM_ERROR,
    "reenter_transaction": R.SYSTEM_ERROR,
    "restricted_card": R.RESTRICTED_CARD,
    "revocation_of_all_authorizations": R.REVOKED_AUTHORIZATION,
    "revocation_of_authorization": R.REVOKED_AUTHORIZATION,
    "security_violation": R.NOT_PERMITTED,
    "service_not_allowed": R.NOT_PERMITTED,
    "stolen_card": R.STOLEN_CARD,
    "stop_payment_order": R.REVOKED_AUTHORIZATION,
    "testmode_decline": R.INVALID_REQUEST,
    "transaction_not_allowed": R.NOT_PERMITTED,
    "try_again_later": R.GENERIC_DECLINE,
    "withdrawal_count_limit_exceeded": R.LIMIT_EXCEEDED,
}

REFUND_STATUS = {"succeeded": "approved", "failed": "declined", "canceled": "declined"}
"""`pending`, `requires_action` and whatever comes later are Pending."""

REFUND_FAILURES: dict[str, R] = {
    "expired_or_canceled_card": R.CARD_CLOSED,
    "insufficient_funds": R.INSUFFICIENT_FUNDS,
    "lost_or_stolen_card": R.LOST_CARD,
}
"""Why a refund failed, by `failure_reason`; every other one says no more than that it did: not permitted."""

EXPIRED = frozenset({"expired", "automatic"})
"""`cancellation_reason` of an intent whose hold ran out (`automatic` until version 2025-03-31)."""

UNDOING = frozenset({"refund.failed"})
"""Events that may speak of what had succeeded before."""

FACTOR = {"ISK": 100, "UGX": 100}
"""Currencies without minor units that Stripe still takes in hundredths (its page "Supported currencies")."""

DIVISOR = {"MGA": 100}
"""ISO 4217 gives the ariary an exponent of 2, Stripe counts it without decimals."""

EVENTS: frozenset[str] = frozenset(
    {
        "payment_intent.succeeded",
        "payment_intent.payment_failed",
        "payment_intent.canceled",
        "payment_intent.amount_capturable_updated",
        "payment_intent.requires_action",
        "payment_intent.processing",
        "refund.created",
        "refund.updated",
        "refund.failed",
    }
)
"""The events that say something about one of our operations; the `charge.*` twins would say it again."""


MARK_PREFIX = "cap_"
"""Captures mark their intent with a metadata key that is their operation id; the value is the amount."""


def to_wire_amount(amount: int, currency: str) -> int | None:
    """Our minor units in Stripe's, or None where Stripe can't express them."""
    divisor = DIVISOR.get(currency, 1)
    return None if amount % divisor else amount // divisor * FACTOR.get(currency, 1)


def from_wire_amount(amount: int, currency: str) -> int:
    """Stripe's minor units in ours."""
    return amount * DIVISOR.get(currency, 1) // FACTOR.get(currency, 1)


def decline(error: Mapping[str, Any], reference: str | None) -> Declined:
    """An error object, or a `last_payment_error`, as a refusal. Unknown codes are `unmapped`: no retry."""
    code = str(error.get("decline_code") or error.get("code") or error.get("type") or "unknown")
    fallback = R.UNMAPPED if error.get("type") == "card_error" else R.INVALID_REQUEST
    return Declined(
        reason=DECLINES.get(code, fallback),
        provider_code=code,
        provider_reference=reference,
        network_code=error.get("network_decline_code"),
        network_advice=error.get("network_advice_code"),
        message=error.get("message"),
    )


def authorization(intent: Mapping[str, Any], call: ProviderCall) -> Outcome:
    """The state of an intent, as the outcome of the authorization that made it."""
    reference = str(intent["id"])
    currency = str(intent["currency"]).upper()
    match intent.get("status"):
        case "succeeded" | "requires_capture" as status:
            # After a capture the intent says `succeeded`; the authorization itself was one without capture.
            captured = status == "succeeded" and call.capture
            charge = intent.get("latest_charge")
            card = _dig(charge, "payment_method_details", "card")
            return Approved(
                provider_reference=reference,
                amount=from_wire_amount(int(intent["amount_received" if captured else "amount"]), currency),
                currency=currency,
                captured=captured,
                network_transaction_id=card.get("network_transaction_id"),
            )
        case "requires_payment_method" if error := intent.get("last_payment_error"):
            return decline(error, reference)
        case "canceled" if intent.get("cancellation_reason") in EXPIRED:
            return Expired(reference)
        case "canceled":
            error = intent.get("last_payment_error") or {"type": "card_error", "code": "canceled"}
            return decline(error, reference)
        case "requires_action":
            return ActionRequired(reference, dict(intent.get("next_action") or {}))
        case _:
            return Pending(reference)


def capture(intent: Mapping[str, Any], call: ProviderCall) -> Outcome:
    """Whether the intent bears the mark of this capture (its metadata key is our operation id), and how much it was."""
    marks = {key: int(value) for key, value in (intent.get("metadata") or {}).items() if key.startswith(MARK_PREFIX)}
    if call.operation_id not in marks:
        return Absent()
    currency = str(intent["currency"]).upper()
    reference = _id(intent.get("latest_charge")) or str(intent["id"])
    # What Stripe took beyond, or short of, all captures that we know of is this one's difference.
    difference = from_wire_amount(int(intent["amount_received"]), currency) - sum(marks.values())
    return Approved(reference, marks[call.operation_id] + difference, currency, captured=True)


def void(intent: Mapping[str, Any], call: ProviderCall) -> Outcome:
    """Whether the authorization is gone."""
    match intent.get("status"):
        case "canceled":
            return Approved(str(intent["id"]), amount=call.amount, currency=call.currency)
        case "requires_capture":
            return Absent()
        case "succeeded":
            return Declined(R.INVALID_REQUEST, provider_code="payment_intent_succeeded")
        case _:
            return Unknown(cause="conflict", detail="unexpected status of the intent")


def refund(value: Mapping[str, Any], _: ProviderCall) -> Outcome:
    """The state of a refund object."""
    reference = str(value["id"])
    currency = str(value["currency"]).upper()
    match REFUND_STATUS.get(str(value.get("status"))):
        case "approved":
            return Approved(reference, from_wire_amount(int(value["amount"]), currency), currency)
        case "declined":
            code = str(value.get("failure_reason") or value["status"])
            return Declined(
                REFUND_FAILURES.get(code, R.NOT_PERMITTED), provider_code=code, provider_reference=reference
            )
        case _:
            return Pending(reference)


def _id(value: Any) -> str | None:
    if isinstance(value, Mapping):
        return str(value["id"])
    return str(value) if value else None


def _dig(value: Any, *path: str) -> Mapping[str, Any]:
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}
