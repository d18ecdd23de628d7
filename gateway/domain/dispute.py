"""Disputes: a shopper's bank asks about a payment, or takes it back. The automaton, and what one notice says.

`DISPUTE_TRANSITIONS` has the shape of the tables in `payment`; SQL holds the same as rows and a test compares. `new` is
no status but the state before the first notice. The statuses:

    inquiry          the bank asks (retrieval request, early warning); no money moved
    needs_response   the bank disputes; the merchant may answer until `evidence_due_at`
    under_review     the answer is with the bank. Money may be back already while the bank may still object (Adyen)
    pre_arbitration  the bank objects to the answer, or the case goes to the scheme
    won, lost        decided, though not for good: a bank may reopen what was won, a scheme reverse what was lost
    accepted         the merchant gave in
    closed           ended without a decision: an inquiry that nobody escalated, a dispute that the PSP settled

Where the PSPs' documents gave reason to differ from the plain chain: an inquiry is never won, as there was nothing to
win back (Stripe: `warning_closed`); `needs_response` may be closed (Checkout.com: `resolved`); `lost` may go on to
`pre_arbitration` (Checkout.com: `arbitration_under_review` follows a loss); `lost` may turn to `won` (Adyen:
PREARBITRATION_WON after a second chargeback).

Money and status move apart: Adyen takes the money after it announced the dispute and gives it back before it is
decided. So a notice says how often the money has moved so far (`moves`: 1 taken, 2 back, 3 taken again, …), which makes
notices safe in any order and any number: the ledger posts what is missing up to the highest count that was told.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal

Transitions = Mapping[str, Mapping[str, str | None]]

DISPUTE_TRANSITIONS: Final[Transitions] = {
    "new": {"inquiry": "dispute.opened", "needs_response": "dispute.opened"},
    "inquiry": {"needs_response": "dispute.updated", "closed": "dispute.closed"},
    "needs_response": {
        "under_review": "dispute.updated",
        "won": "dispute.won",
        "lost": "dispute.lost",
        "accepted": "dispute.accepted",
        "closed": "dispute.closed",
    },
    "under_review": {"won": "dispute.won", "lost": "dispute.lost", "pre_arbitration": "dispute.updated"},
    "pre_arbitration": {"won": "dispute.won", "lost": "dispute.lost", "accepted": "dispute.accepted"},
    "won": {"pre_arbitration": "dispute.updated"},
    "lost": {"won": "dispute.won", "pre_arbitration": "dispute.updated"},
    "accepted": {},
    "closed": {},
}

DisputeStatus = Literal[
    "inquiry", "needs_response", "under_review", "pre_arbitration", "won", "lost", "accepted", "closed"
]

_CURRENCY: Final = re.compile("[A-Z]{3}")

AT_RISK: Final = frozenset({"needs_response", "under_review", "pre_arbitration", "lost", "accepted"})
"""Statuses whose amount counts as `amount_disputed` of the payment and can't be refunded a second time."""


class DisputeReason(StrEnum):
    """Why the shopper or the bank disputes, over all PSPs and schemes."""

    FRAUD = "fraud"
    NOT_RECEIVED = "not_received"
    NOT_AS_DESCRIBED = "not_as_described"
    DUPLICATE = "duplicate"
    CREDIT_NOT_PROCESSED = "credit_not_processed"
    PROCESSING_ERROR = "processing_error"
    AUTHORIZATION = "authorization"
    SUBSCRIPTION_CANCELED = "subscription_canceled"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class DisputeFact:
    """What one signed notice says about a dispute. `amount` in minor units of `currency`.

    `provider_reference` is the PSP's id of the dispute. `at` is the PSP's own time of the notice: of two statuses the
    one told later stands. `moves` counts how often the money has moved so far, as far as this notice tells; a notice
    that only tells where the money is now says so by `funds`. `fee`: all that the PSP has charged for the dispute so
    far, net of what it gave back; None where it does not say.
    """

    provider_reference: str
    status: DisputeStatus
    amount: int
    currency: str
    reason: DisputeReason
    at: datetime
    network_code: str | None = None
    moves: int | None = None
    funds: Literal["withdrawn", "returned"] | None = None
    fee: int | None = None
    evidence_due_at: datetime | None = None

    def __post_init__(self) -> None:
        """Raises `ValueError` for what cannot be a dispute's money, so that nothing half-read is ever stored."""
        if self.amount <= 0 or not _CURRENCY.fullmatch(self.currency):
            raise ValueError("a dispute has an amount above zero in an ISO 4217 currency")


_CODES: Final[Mapping[DisputeReason, str]] = {
    DisputeReason.FRAUD: "10.1 10.2 10.3 10.4 10.5 4837 4849 4863 4870 4871 4840 F29 F24 F10 F30 F31 UA01 UA02",
    DisputeReason.AUTHORIZATION: "11.1 11.2 11.3 4808 4807 4812 A01 A02 A08 AT",
    DisputeReason.PROCESSING_ERROR: "12.1 12.2 12.3 12.4 12.5 12.7 4834 4831 4842 4846 P01 P03 P04 P05 P07 P22 P23",
    DisputeReason.DUPLICATE: "12.6 12.6.1 12.6.2 P08 DP",
    DisputeReason.NOT_RECEIVED: "13.1 4855 C08 RG",
    DisputeReason.SUBSCRIPTION_CANCELED: "13.2 4841 C28 AP",
    DisputeReason.NOT_AS_DESCRIBED: "13.3 13.4 4853 C31 C32 RM",
    DisputeReason.CREDIT_NOT_PROCESSED: "13.6 13.7 4860 C02 C04 C05 RN2",
}

REASON_OF_CODE: Final[Mapping[str, DisputeReason]] = {
    code: reason for reason, codes in _CODES.items() for code in codes.split()
}
"""The schemes' reason codes (Visa 10.4, Mastercard 4837, American Express F29, Discover UA01). Mastercard's 4853 covers
most of what a shopper may complain about; it stands where it is used most."""


def reason_of(network_code: str | None) -> DisputeReason:
    """The normalized reason of a scheme's code; `other` for one that no table has."""
    return REASON_OF_CODE.get((network_code or "").strip(), DisputeReason.OTHER)
