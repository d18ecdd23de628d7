"""Decline reasons, normalized over all PSPs, and what each allows.

A technical decline may be tried once at another PSP; data, funds and authentication problems may not; lost, stolen and
fraud never (RET-01). A code that no connector maps is `unmapped`, and unmapped means no retry. What the issuer's own
code, the scheme's advice and the scheme itself add to that is in `cascade`.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class DeclineReason(StrEnum):
    """Why the issuer, the scheme or the PSP said no. The comment is the ISO 8583 response code, if there is one."""

    GENERIC_DECLINE = "generic_decline"  # 05, 01
    INSUFFICIENT_FUNDS = "insufficient_funds"  # 51
    LIMIT_EXCEEDED = "limit_exceeded"  # 61, 65
    ISSUER_UNAVAILABLE = "issuer_unavailable"  # 91
    SYSTEM_ERROR = "system_error"  # 96, 19
    EXPIRED_CARD = "expired_card"  # 54
    INVALID_CARD = "invalid_card"  # 14
    INCORRECT_CVC = "incorrect_cvc"  # N7, 82
    AUTHENTICATION_REQUIRED = "authentication_required"  # 1A; 65 of Mastercard
    AUTHENTICATION_FAILED = "authentication_failed"  # 3-D Secure was tried and did not hold: no code of the issuer
    LOST_CARD = "lost_card"  # 41
    STOLEN_CARD = "stolen_card"  # 43
    PICKUP_CARD = "pickup_card"  # 04, 07
    SUSPECTED_FRAUD = "suspected_fraud"  # 59
    NOT_PERMITTED = "not_permitted"  # 57
    RESTRICTED_CARD = "restricted_card"  # 62
    TOKEN_DEACTIVATED = "token_deactivated"  # noqa: S105 - 46
    REVOKED_AUTHORIZATION = "revoked_authorization"  # R0, R1, R3
    CARD_CLOSED = "card_closed"  # of a refund: the account behind the card is closed, the money can't get there
    INVALID_REQUEST = "invalid_request"  # the PSP refused our request: ours to fix, never to repeat
    UNMAPPED = "unmapped"


RetryAdvice = Literal["none", "schedule", "after_update", "step_up_3ds"]
"""What may follow later: nothing; a scheduled retry under the caps; new card data; a 3-D Secure step-up."""

Fallback = Literal["once", "no", "never"]
"""Whether another PSP may be asked at once: one time, not now, or never for what this card is told."""


@dataclass(frozen=True, slots=True)
class DeclineRule:
    """What a reason allows."""

    fallback: Fallback
    advice: RetryAdvice


RULES: dict[DeclineReason, DeclineRule] = {
    DeclineReason.GENERIC_DECLINE: DeclineRule("once", "schedule"),
    DeclineReason.INSUFFICIENT_FUNDS: DeclineRule("no", "schedule"),
    DeclineReason.LIMIT_EXCEEDED: DeclineRule("no", "schedule"),
    DeclineReason.ISSUER_UNAVAILABLE: DeclineRule("once", "schedule"),
    DeclineReason.SYSTEM_ERROR: DeclineRule("once", "schedule"),
    DeclineReason.EXPIRED_CARD: DeclineRule("no", "after_update"),
    DeclineReason.INVALID_CARD: DeclineRule("no", "after_update"),
    DeclineReason.INCORRECT_CVC: DeclineRule("no", "after_update"),
    DeclineReason.AUTHENTICATION_REQUIRED: DeclineRule("no", "step_up_3ds"),
    DeclineReason.AUTHENTICATION_FAILED: DeclineRule("never", "none"),
    DeclineReason.LOST_CARD: DeclineRule("never", "none"),
    DeclineReason.STOLEN_CARD: DeclineRule("never", "none"),
    DeclineReason.PICKUP_CARD: DeclineRule("never", "none"),
    DeclineReason.SUSPECTED_FRAUD: DeclineRule("never", "none"),
    DeclineReason.NOT_PERMITTED: DeclineRule("never", "none"),
    DeclineReason.RESTRICTED_CARD: DeclineRule("never", "none"),
    DeclineReason.TOKEN_DEACTIVATED: DeclineRule("never", "none"),
    DeclineReason.REVOKED_AUTHORIZATION: DeclineRule("never", "none"),
    DeclineReason.CARD_CLOSED: DeclineRule("never", "none"),
    DeclineReason.INVALID_REQUEST: DeclineRule("no", "none"),
    DeclineReason.UNMAPPED: DeclineRule("no", "none"),
}
