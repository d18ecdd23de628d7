"""Adyen's words → ours, as tables; and its answers → outcomes, as pure functions.

Refusal reasons: Adyen's public table, by code; a notification may give the text alone. Where a row could be read two
ways it is the careful one: what names a rule, a missing step or a doubt of somebody's never cascades (RET-01). A result
code that is not in a table is Pending: only an explicit yes is a yes, only an explicit no is a no.
"""

import re
from collections.abc import Mapping
from typing import Any

from gateway.domain.decline import DeclineReason as R
from gateway.domain.outcome import ActionRequired, Approved, Declined, Outcome, Pending
from gateway.use_cases.ports import ProviderCall

DECLINES: dict[str, R] = {
    "2": R.GENERIC_DECLINE,
    "3": R.GENERIC_DECLINE,
    "4": R.SYSTEM_ERROR,
    "5": R.RESTRICTED_CARD,
    "6": R.EXPIRED_CARD,
    "7": R.INVALID_REQUEST,
    "8": R.INVALID_CARD,
    "9": R.ISSUER_UNAVAILABLE,
    "10": R.NOT_PERMITTED,
    "11": R.AUTHENTICATION_FAILED,
    "12": R.INSUFFICIENT_FUNDS,
    "14": R.SUSPECTED_FRAUD,
    "15": R.NOT_PERMITTED,
    "16": R.NOT_PERMITTED,
    "17": R.INVALID_CARD,
    "18": R.NOT_PERMITTED,
    "19": R.NOT_PERMITTED,
    "20": R.SUSPECTED_FRAUD,
    "21": R.INVALID_REQUEST,
    "22": R.SUSPECTED_FRAUD,
    "23": R.NOT_PERMITTED,
    "24": R.INCORRECT_CVC,
    "25": R.RESTRICTED_CARD,
    "26": R.REVOKED_AUTHORIZATION,
    "27": R.NOT_PERMITTED,
    "28": R.LIMIT_EXCEEDED,
    "29": R.LIMIT_EXCEEDED,
    "31": R.SUSPECTED_FRAUD,
    "32": R.INVALID_CARD,
    "33": R.AUTHENTICATION_REQUIRED,
    "34": R.NOT_PERMITTED,
    "35": R.NOT_PERMITTED,
    "36": R.AUTHENTICATION_REQUIRED,
    "37": R.AUTHENTICATION_REQUIRED,
    "38": R.AUTHENTICATION_REQUIRED,
    "39": R.AUTHENTICATION_FAILED,
    "40": R.NOT_PERMITTED,
    "41": R.AUTHENTICATION_REQUIRED,
    "42": R.AUTHENTICATION_FAILED,
    "43": R.AUTHENTICATION_REQUIRED,
    "44": R.AUTHENTICATION_REQUIRED,
    "45": R.NOT_PERMITTED,
    "46": R.NOT_PERMITTED,
}
"""By `refusalReasonCode`. 0 (Unknown) is left out: unmapped, so nothing follows it."""

NAMES: dict[str, str] = {
    "refused": "2",
    "referral": "3",
    "acquirer error": "4",
    "blocked card": "5",
    "expired card": "6",
    "invalid amount": "7",
    "invalid card number": "8",
    "issuer unavailable": "9",
    "not supported": "10",
    "3d not authenticated": "11",
    "not enough balance": "12",
    "acquirer fraud": "14",
    "cancelled": "15",
    "shopper cancelled": "16",
    "invalid pin": "17",
    "pin tries exceeded": "18",
    "pin validation not possible": "19",
    "fraud": "20",
    "not submitted": "21",
    "fraud-cancelled": "22",
    "transaction not permitted": "23",
    "cvc declined": "24",
    "restricted card": "25",
    "revocation of auth": "26",
    "declined non generic": "27",
    "withdrawal amount exceeded": "28",
    "withdrawal count exceeded": "29",
    "issuer suspected fraud": "31",
    "avs declined": "32",
    "card requires online pin": "33",
    "no checking account available on card": "34",
    "no savings account available on card": "35",
    "mobile pin required": "36",
    "contactless fallback": "37",
    "authentication required": "38",
    "rreq not received from ds": "39",
    "current aid is in penalty box": "40",
    "cvm required restart payment": "41",
    "3ds authentication error": "42",
    "online pin required": "43",
    "try another interface": "44",
    "chip downgrade mode": "45",
    "transaction blocked by adyen to prevent excessive retry fees": "46",
}
"""By the text of `refusalReason`, in lower case: all that the `reason` of a notification says."""

ERRORS: dict[str, R] = {"101": R.INVALID_CARD, "103": R.INCORRECT_CVC, "129": R.INVALID_CARD}
"""By `errorCode` of a 4xx: what is the shopper's to mend. All others are ours: `invalid_request`."""

FACTOR = {"CLP": 100, "ISK": 100}
"""Currencies without minor units that Adyen counts in hundredths (its page "Currency codes and minor units")."""

DIVISOR = {"CVE": 100, "IDR": 100}
"""ISO 4217 gives these an exponent of 2, Adyen counts them without decimals."""

ACTIONS = frozenset({"RedirectShopper", "IdentifyShopper", "ChallengeShopper", "PresentToShopper"})
_NETWORK_CODE = re.compile(r"^\s*([0-9A-Z]{2})\b")


def to_wire_amount(amount: int, currency: str) -> int | None:
    """Our minor units in Adyen's, or None where Adyen can't express them."""
    divisor = DIVISOR.get(currency, 1)
    return None if amount % divisor else amount // divisor * FACTOR.get(currency, 1)


def from_wire_amount(amount: int, currency: str) -> int:
    """Adyen's minor units in ours."""
    return amount * DIVISOR.get(currency, 1) // FACTOR.get(currency, 1)


def code_of(code: str, reason: str) -> str:
    """The refusal's code: as given, else by the reason's text, else the text itself, which nothing maps."""
    return code or NAMES.get(reason.lower().rstrip(".")) or reason or "unknown"


def authorization(value: Mapping[str, Any], call: ProviderCall) -> Outcome:
    """The answer to `POST /payments`. Adyen captures an approved payment by itself if it was told to."""
    result = value.get("resultCode")
    match result:
        case "Authorised" | "PartiallyAuthorised":
            amount, more = value["amount"], value.get("additionalData") or {}
            currency = str(amount["currency"])
            return Approved(
                provider_reference=str(value["pspReference"]),
                amount=from_wire_amount(int(amount["value"]), currency),
                currency=currency,
                captured=call.capture,
                network_transaction_id=more.get("networkTxReference"),
            )
        case "Refused" | "Error" | "Cancelled":
            reason = str(value.get("refusalReason") or result)
            code = code_of(str(value.get("refusalReasonCode") or ""), reason)
            return declined(code, reason, str(value["pspReference"]), value.get("additionalData") or {})
        case _ if result in ACTIONS:
            return ActionRequired(str(value["pspReference"]), dict(value.get("action") or {}))
        case _:
            return Pending(str(value["pspReference"]))


def modification(value: Mapping[str, Any], _: ProviderCall) -> Outcome:
    """The answer to a capture, cancel or refund: received, whatever comes of it. The notification will tell."""
    return Pending(str(value["pspReference"]))


def declined(code: str, reason: str, reference: str, more: Mapping[str, Any]) -> Declined:
    """A refusal. `more` is `additionalData`, where Adyen puts what the issuer said, if the account asks for it."""
    raw = _NETWORK_CODE.match(str(more.get("refusalReasonRaw") or ""))
    advice = _NETWORK_CODE.match(str(more.get("merchantAdviceCode") or ""))
    return Declined(
        reason=DECLINES.get(code, R.UNMAPPED),
        provider_code=code,
        provider_reference=reference,
        network_code=raw[1] if raw else None,
        network_advice=advice[1] if advice else None,
        message=reason,
    )
