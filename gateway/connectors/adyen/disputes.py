"""Adyen's disputes: what each notification says of one. The merchant answers in Adyen's own Disputes API, which no
account of ours has: no answer is offered here.

All notifications of a dispute bear its pspReference. The money moves apart from the decision: CHARGEBACK takes it,
CHARGEBACK_REVERSED brings it back while the issuer may still object. NOTIFICATION_OF_FRAUD is a report, no dispute.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, NamedTuple

from gateway.connectors.adyen.mapping import from_wire_amount
from gateway.domain.dispute import DisputeFact, DisputeStatus, reason_of

Item = Mapping[str, Any]


class Said(NamedTuple):
    """What an event says: the status, how often the money has moved by then if it is certain, else where it is."""

    status: DisputeStatus
    moves: int | None = None
    funds: Literal["withdrawn", "returned"] | None = None


EVENTS: dict[str, Said] = {
    "REQUEST_FOR_INFORMATION": Said("inquiry", 0),
    "NOTIFICATION_OF_CHARGEBACK": Said("needs_response", 0),
    "CHARGEBACK": Said("needs_response", 1),
    "INFORMATION_SUPPLIED": Said("under_review"),
    "CHARGEBACK_REVERSED": Said("under_review", 2),
    "ISSUER_RESPONSE_TIMEFRAME_EXPIRED": Said("won", None, "returned"),
    "DISPUTE_DEFENSE_PERIOD_ENDED": Said("lost"),
    "SECOND_CHARGEBACK": Said("lost", 3),
    "PREARBITRATION_OPEN": Said("pre_arbitration"),
    "PREARBITRATION_DECLINED": Said("pre_arbitration"),
    "SCHEME_ARBITRATION": Said("pre_arbitration"),
    "PREARBITRATION_WON": Said("won", None, "returned"),
    "PREARBITRATION_ISSUER_WITHDRAWN": Said("won", None, "returned"),
    "SCHEME_ARBITRATION_WON": Said("won", None, "returned"),
    "PREARBITRATION_LOST": Said("lost", None, "withdrawn"),
    "SCHEME_ARBITRATION_LOST": Said("lost", None, "withdrawn"),
    "PREARBITRATION_ACCEPTED": Said("accepted", None, "withdrawn"),
}
"""By `eventCode`. ISSUER_COMMENTS and NOTIFICATION_OF_FRAUD move nothing and are kept with their payment."""


def dispute(item: Item) -> DisputeFact | None:
    """What a notification says of a dispute; None for every other event, and for one that lacks a field."""
    said = EVENTS.get(str(item.get("eventCode")))
    if said is None or item.get("success") != "true":
        return None
    more = item.get("additionalData")
    details: Item = more if isinstance(more, Mapping) else {}
    status = said.status
    if item["eventCode"] == "DISPUTE_DEFENSE_PERIOD_ENDED" and details.get("disputeStatus") == "Won":
        status = "won"
    # An acquirer may put blanks before the scheme's code.
    code, due = str(details.get("chargebackReasonCode") or "").strip() or None, details.get("defensePeriodEndsAt")
    try:
        currency = str(item["amount"]["currency"])
        amount = from_wire_amount(int(item["amount"]["value"]), currency)
        return (
            None
            if amount <= 0
            else DisputeFact(
                provider_reference=str(item["pspReference"]),
                status=status,
                amount=amount,
                currency=currency,
                reason=reason_of(code),
                at=datetime.fromisoformat(str(item["eventDate"])),
                network_code=code,
                moves=said.moves,
                funds=said.funds,
                evidence_due_at=None if due is None else datetime.fromisoformat(str(due)),
            )
        )
    except (KeyError, TypeError, ValueError):
        return None
