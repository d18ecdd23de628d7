"""An example of a Kafka consumer: keeps a merchant's books from the events alone.

It reads `payera.payments.v1`, throws away what it has seen, orders by sequence, and knows at any time what was taken
and given back. What it reads of an event is what its contract pins.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Entry:
    """What one event says. Amounts are minor units: what the payment has taken and given back in all.

    `attempts`: id and PSP of each that was asked, where an authorization ended; PSPs charge for every one of them.
    """

    event_id: str
    type: str
    merchant: str
    payment_id: str
    sequence: int
    status: str
    currency: str
    amount: int
    captured: int
    refunded: int
    refund: tuple[str, int, str] | None
    dispute: tuple[str, str, int, int, int] | None
    """Id, status, amount, what the bank has of it now, and what the PSP charged."""
    operation: tuple[str, str, str, int] | None
    attempts: tuple[tuple[str, str], ...] = ()


def entry_of(event: Mapping[str, Any]) -> Entry:
    """Raises KeyError for a missing field and ValueError for an envelope that is none of ours."""
    if event["specversion"] != "1.0" or event["source"] != "payera/gateway":
        raise ValueError("not an event of the gateway")
    payment = event["data"]["payment"]
    if event["subject"] != payment["id"]:
        raise ValueError("the event is about another payment than its subject")
    refund, operation = event["data"].get("refund"), event["data"].get("operation")
    dispute = event["data"].get("dispute")
    return Entry(
        event_id=event["id"],
        type=event["type"],
        merchant=event["merchant"],
        payment_id=payment["id"],
        sequence=event["sequence"],
        status=payment["status"],
        currency=payment["currency"],
        amount=payment["amount"],
        captured=payment["amount_captured"],
        refunded=payment["amount_refunded"],
        dispute=None
        if dispute is None
        else (dispute["id"], dispute["status"], dispute["amount"], dispute["amount_withdrawn"], dispute["fee"]),
        refund=None if refund is None else (refund["id"], refund["amount"], refund["status"]),
        operation=None
        if operation is None
        else (operation["id"], operation["kind"], operation["provider"], operation["amount"]),
        attempts=tuple((attempt["id"], attempt["provider"]) for attempt in event["data"].get("attempts", ())),
    )


@dataclass(slots=True)
class Books:
    """The state of the books; `take` may be called with anything as often as Kafka delivers it."""

    seen: set[str] = field(default_factory=set)
    latest: dict[str, Entry] = field(default_factory=dict)

    def take(self, event: Mapping[str, Any]) -> bool:
        """False for an event that was seen before or is older than what is known."""
        entry = entry_of(event)
        if entry.event_id in self.seen:
            return False
        self.seen.add(entry.event_id)
        known = self.latest.get(entry.payment_id)
        if known is not None and known.sequence > entry.sequence:
            return False
        self.latest[entry.payment_id] = entry
        return True

    def net(self, currency: str) -> int:
        """Captured less refunded, in minor units."""
        return sum(entry.captured - entry.refunded for entry in self.latest.values() if entry.currency == currency)
