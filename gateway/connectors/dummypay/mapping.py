"""Dummypay's words → ours, as tables; and its objects → outcomes, as pure functions.

Dummypay gives the ISO 8583 response code, or the scheme's own. What is not in the table is `unmapped`: no
retry. A status that is not in the table is Pending: only an explicit yes is a yes, only an explicit no is a no.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gateway.domain.decline import DeclineReason as R
from gateway.domain.outcome import Approved, Declined, Expired, Outcome, Pending, Reversed
from gateway.use_cases.ports import ProviderCall

DECLINES: dict[str, R] = {
    "01": R.GENERIC_DECLINE,
    "04": R.PICKUP_CARD,
    "05": R.GENERIC_DECLINE,
    "07": R.PICKUP_CARD,
    "14": R.INVALID_CARD,
    "19": R.SYSTEM_ERROR,
    "1A": R.AUTHENTICATION_REQUIRED,
    "41": R.LOST_CARD,
    "43": R.STOLEN_CARD,
    "46": R.TOKEN_DEACTIVATED,
    "51": R.INSUFFICIENT_FUNDS,
    "54": R.EXPIRED_CARD,
    "57": R.NOT_PERMITTED,
    "59": R.SUSPECTED_FRAUD,
    "61": R.LIMIT_EXCEEDED,
    "62": R.RESTRICTED_CARD,
    "65": R.LIMIT_EXCEEDED,
    "82": R.INCORRECT_CVC,
    "91": R.ISSUER_UNAVAILABLE,
    "96": R.SYSTEM_ERROR,
    "N7": R.INCORRECT_CVC,
    "R0": R.REVOKED_AUTHORIZATION,
    "R1": R.REVOKED_AUTHORIZATION,
    "R3": R.REVOKED_AUTHORIZATION,
}


CLOSED = frozenset({"14", "46", "54"})
"""Codes that, of a refund, say that there is no account behind the card any more."""

UNDOING = frozenset({"charge.expired", "capture.failed", "refund.failed"})
"""Events that speak of what was confirmed before."""


def charge(value: Mapping[str, Any], call: ProviderCall) -> Outcome:
    """The state of a charge, as the outcome of the authorization that made it, whatever followed since."""
    reference = str(value["id"])
    match value["status"]:
        case "expired":
            return Expired(reference)
        case "captured" if not call.capture and value["amount_captured"] < value["amount"] and value.get("expired"):
            return Expired(reference)  # the rest of what was captured in part
        case "authorized" | "captured" | "voided":
            return Approved(
                provider_reference=reference,
                amount=int(value["amount"]),
                currency=str(value["currency"]),
                captured=value["status"] == "captured" and call.capture,
                network_transaction_id=value["network_transaction_id"],
            )
        case "declined":
            return _declined(value)
        case _:
            return Pending(reference)


def operation(value: Mapping[str, Any], call: ProviderCall) -> Outcome:
    """The state of a capture, void or refund."""
    reference = str(value["id"])
    match value["status"]:
        case "succeeded":
            captured = call.kind == "capture"
            return Approved(reference, int(value["amount"]), str(value["currency"]), captured=captured)
        case "declined":
            found = _declined(value)
            closed = call.kind == "refund" and found.provider_code in CLOSED
            return replace(found, reason=R.CARD_CLOSED) if closed else found
        case "failed":
            code = str(value["code"])
            reason = R.CARD_CLOSED if code in CLOSED else DECLINES.get(code, R.UNMAPPED)
            return Reversed(reason, code, reference, value["message"])
        case _:
            return Pending(reference)


def _declined(value: Mapping[str, Any]) -> Declined:
    code = str(value["code"])
    return Declined(
        reason=DECLINES.get(code, R.UNMAPPED),
        provider_code=code,
        provider_reference=str(value["id"]),
        network_code=code,
        network_advice=value.get("network_advice"),
        message=value["message"],
    )
