"""What one merchant's scenario left behind, in three sources that know nothing of each other, plus what clients saw.

Everything here is plain data, so that a planted violation is a matter of changing a row (see `tests/runner`).
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scenarios.runner import money
from scenarios.runner.sink import Received
from scenarios.runner.topic import Message
from scenarios.runner.wire import Call

Row = Mapping[str, Any]

NO_HASH = "0" * 64
"""What the first ledger transaction of a payment names as the hash before it."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One call to one PSP as the gateway's database has it. `outcomes` is what was learned, in order."""

    id: str
    payment: str
    kind: str
    provider: str
    status: str
    amount: int
    currency: str
    provider_reference: str | None
    outcomes: tuple[str, ...]
    surplus: bool = False
    supersedes: str | None = None
    """Of a re-authorization: the authorization whose place it was to take."""
    superseded_by: str | None = None
    created_at: str = ""
    settled_at: str | None = None


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment as the gateway's database has it; amounts in minor units of `currency`."""

    id: str
    status: str
    amount: int
    currency: str
    amount_authorized: int
    amount_captured: int
    amount_refunded: int
    amount_disputed: int = 0


@dataclass(frozen=True, slots=True)
class Dispute:
    """One dispute as the gateway's database has it; `amount` in minor units of `currency`."""

    id: str
    payment: str
    provider: str
    status: str
    amount: int
    currency: str


@dataclass(frozen=True, slots=True)
class Line:
    """One ledger line: signed minor units, debit above zero."""

    account: str
    currency: str
    amount: int


@dataclass(frozen=True, slots=True)
class Posting:
    """One ledger transaction. Hashes are hexadecimal; the first of a payment follows `NO_HASH`."""

    id: str
    payment: str
    kind: str
    operation: str | None
    hash: str
    previous_hash: str
    lines: tuple[Line, ...]

    def recomputed(self) -> str:
        """The hash that the lines give: SHA-256 of the previous hash and one `account|currency|amount` line each."""
        text = "".join(f"{line.account}|{line.currency}|{line.amount}\n" for line in self.lines)
        return hashlib.sha256((self.previous_hash + text).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a PSP's journal. `reference` and `payment` are the gateway's ids (operation, payment) kept there."""

    seq: int
    kind: str
    amount: int
    currency: str
    object: str
    parent: str | None
    reference: str | None
    payment: str | None
    code: str | None = None

    def __str__(self) -> str:
        return f"{self.kind} {money.written(self.amount, self.currency)}"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A merchant's webhook endpoint and what reached it. `wants` holds event types, or `*`."""

    id: str
    wants: tuple[str, ...]
    received: tuple[Received, ...]
    dead: frozenset[str] = frozenset()
    """Ids of events that the gateway has given up delivering (the dead letters)."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that the invariants judge about one merchant."""

    merchant: str
    payments: Sequence[Payment] = ()
    operations: Sequence[Operation] = ()
    ledger: Sequence[Posting] = ()
    disputes: Sequence[Dispute] = ()
    events: Sequence[Row] = ()
    """The events in the database's outbox, as published, per payment in the order of `sequence`."""
    messages: Sequence[Message] = ()
    """The messages of the topic, in the order in which they came."""
    topic_fault: str | None = None
    journals: Mapping[str, Sequence[Entry]] = field(default_factory=dict)
    endpoints: Sequence[Endpoint] = ()
    calls: Sequence[Call] = ()

    def events_of(self, payment: str) -> list[Row]:
        """A payment's events in the outbox."""
        return [event for event in self.events if event.get("subject") == payment]

    def operations_of(self, payment: str) -> list[Operation]:
        """A payment's operations, in the order in which they began."""
        return [operation for operation in self.operations if operation.payment == payment]

    def under_review(self) -> frozenset[str]:
        """Ids of operations that were handed to a person with an alert: money that is known to be unproved.

        What such an operation did at the PSP is neither lost nor a phantom; the ledger waits for that person.
        """
        alerted = {str(event["subject"]) for event in self.events if event["type"] == "payment.needs_review"}
        return frozenset(
            operation.id
            for operation in self.operations
            if operation.status == "review" and operation.payment in alerted
        )

    def entries(self) -> Iterable[tuple[str, Entry]]:
        """All journal lines with their provider."""
        for provider, entries in self.journals.items():
            for entry in entries:
                yield provider, entry


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken invariant. `about` is the payment it concerns, where it is one."""

    invariant: str
    message: str
    about: str | None = None

    def __str__(self) -> str:
        return f"{self.invariant}: {self.message}"
