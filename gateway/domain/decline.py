"""Decline reasons, normalized over all PSPs, and what each allows: the cascade table as data.

The rows follow the cascade table of the retry rules (RET-01, RET-06, RET-07): a technical decline may be tried once
at another PSP; data, funds and authentication problems may not; lost, stolen and fraud never. A code that no connector
maps is `unmapped`, and unmapped means no retry.
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
    AUTHENTICATION_REQUIRED = "authentication_required"  # 1A
    LOST_CARD = "lost_card"  # 41
    STOLEN_CARD = "stolen_card"  # 43
    PICKUP_CARD = "pickup_card"  # 04, 07
    SUSPECTED_FRAUD = "suspected_fraud"  # 59
    NOT_PERMITTED = "not_permitted"  # 57
    RESTRICTED_CARD = "restricted_card"  # 62
    TOKEN_DEACTIVATED = "token_deactivated"  # noqa: S105 - 46
    REVOKED_AUTHORIZATION = "revoked_authorization"  # R0, R1, R3
    INVALID_REQUEST = "invalid_request"  # the PSP refused our request: ours to fix, never to repeat
    UNMAPPED = "unmapped"


RetryAdvice = Literal["none", "schedule", "after_update", "after_authentication"]
"""What may follow later: nothing; a scheduled retry under the caps; new card data; a 3-D Secure step-up."""


@dataclass(frozen=True, slots=True)
class DeclineRule:
    """One row of the cascade table."""

    cascade: bool
    advice: RetryAdvice


RULES: dict[DeclineReason, DeclineRule] = {
    DeclineReason.GENERIC_DECLINE: DeclineRule(cascade=True, advice="schedule"),
    DeclineReason.INSUFFICIENT_FUNDS: DeclineRule(cascade=False, advice="schedule"),
    DeclineReason.LIMIT_EXCEEDED: DeclineRule(cascade=False, advice="schedule"),
    DeclineReason.ISSUER_UNAVAILABLE: DeclineRule(cascade=True, advice="schedule"),
    DeclineReason.SYSTEM_ERROR: DeclineRule(cascade=True, advice="schedule"),
    DeclineReason.EXPIRED_CARD: DeclineRule(cascade=False, advice="after_update"),
    DeclineReason.INVALID_CARD: DeclineRule(cascade=False, advice="after_update"),
    DeclineReason.INCORRECT_CVC: DeclineRule(cascade=False, advice="after_update"),
    DeclineReason.AUTHENTICATION_REQUIRED: DeclineRule(cascade=False, advice="after_authentication"),
    DeclineReason.LOST_CARD: DeclineRule(cascade=False, advice="none"),
    DeclineReason.STOLEN_CARD: DeclineRule(cascade=False, advice="none"),
    DeclineReason.PICKUP_CARD: DeclineRule(cascade=False, advice="none"),
    DeclineReason.SUSPECTED_FRAUD: DeclineRule(cascade=False, advice="none"),
    DeclineReason.NOT_PERMITTED: DeclineRule(cascade=False, advice="none"),
    DeclineReason.RESTRICTED_CARD: DeclineRule(cascade=False, advice="none"),
    DeclineReason.TOKEN_DEACTIVATED: DeclineRule(cascade=False, advice="none"),
    DeclineReason.REVOKED_AUTHORIZATION: DeclineRule(cascade=False, advice="none"),
    DeclineReason.INVALID_REQUEST: DeclineRule(cascade=False, advice="none"),
    DeclineReason.UNMAPPED: DeclineRule(cascade=False, advice="none"),
}


def may_cascade(reason: DeclineReason) -> bool:
    """Whether one fallback attempt at another PSP is allowed after this decline."""
    return RULES[reason].cascade
