"""Each event as its consumers need it: the bookkeeping from Kafka, the shop as a webhook."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pact import Pact
from standardwebhooks import Webhook

from contracts.events.bookkeeping import entry_of
from contracts.events.provider import SECRET
from contracts.events.shop import receive
from contracts.kit.consumer import FOLDER, SPECIFICATION, ContractBroken
from contracts.kit.shapes import Shape, like, listed, null, text, whole
from gateway.domain.events import EVENT_TYPES

Json = dict[str, Any]
PROVIDER = "payera"
ID_TAIL = "[0-9a-z]{26}"
EXAMPLE = "01hzzzzzzzzzzzzzzzzzzzzzzz"
PAYMENT, MERCHANT, EVENT = f"pay_{EXAMPLE}", f"mer_{EXAMPLE}", f"evt_{EXAMPLE}"

STATUS = {
    "payment.created": "processing",
    "payment.authorized": "authorized",
    "payment.partially_captured": "partially_captured",
    "payment.captured": "captured",
    "payment.declined": "declined",
    "payment.failed": "failed",
    "payment.canceled": "canceled",
    "payment.requires_action": "requires_action",
    "payment.needs_review": "needs_review",
    "payment.review_resolved": "captured",
    "payment.duplicate_approval": "failed",
    "payment.duplicate_reversed": "failed",
    "payment.capture_failed": "authorized",
    "payment.reauthorized": "authorized",
    "refund.created": "captured",
    "refund.succeeded": "captured",
    "refund.failed": "captured",
    "dispute.opened": "captured",
    "dispute.updated": "captured",
    "dispute.won": "captured",
    "dispute.lost": "captured",
    "dispute.accepted": "captured",
    "dispute.closed": "captured",
}
"""The payment's status inside each event."""
REFUND = {"refund.created": "pending", "refund.succeeded": "succeeded", "refund.failed": "failed"}
DISPUTE = {
    "dispute.opened": "needs_response",
    "dispute.updated": "under_review",
    "dispute.won": "won",
    "dispute.lost": "lost",
    "dispute.accepted": "accepted",
    "dispute.closed": "closed",
}
"""The dispute's status inside each of its events."""
KIND = {
    "payment.partially_captured": "capture",
    "payment.canceled": "void",
    "payment.duplicate_reversed": "refund",
    "payment.capture_failed": "capture",
    "refund.created": "refund",
    "refund.succeeded": "refund",
    "refund.failed": "refund",
}
ENDS = ("payment.authorized", "payment.declined", "payment.failed")
"""Events that end an authorization, and so always tell of its attempts."""
PREFIX = {"authorize": "att", "capture": "cap", "void": "void", "refund": "ref"}


_MOMENT, _TIME = "2026-11-22T12:00:00.000Z", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"


def identifier(prefix: str) -> Shape:
    """One of our ids."""
    return text(f"{prefix}_{EXAMPLE}", f"{prefix}_{ID_TAIL}")


def book_event(event_type: str) -> Json:
    """What the bookkeeping needs of an event of this type."""
    payment: Json = {"id": identifier("pay"), "status": STATUS[event_type], "currency": text("EUR", "[A-Z]{3}")}
    payment |= {name: whole(4200) for name in ("amount", "amount_captured", "amount_refunded")}
    data: Json = {"payment": payment}
    if event_type in REFUND:
        data["refund"] = {"id": identifier("ref"), "amount": whole(1200), "status": REFUND[event_type]}
    if event_type in DISPUTE:
        data["dispute"] = {"id": identifier("dsp"), "status": DISPUTE[event_type]}
        data["dispute"] |= {name: whole(4200) for name in ("amount", "amount_withdrawn", "fee")}
    elif event_type != "payment.created":
        kind = KIND.get(event_type, "authorize")
        # A surplus is taken back under the id it was given before it was known whether to void or to refund it.
        name = text(f"{PREFIX[kind]}_{EXAMPLE}", f"[a-z]+_{ID_TAIL}")
        provider = text("stripe", "[a-z0-9]+")
        data["operation"] = {"id": name, "kind": kind, "provider": provider, "amount": whole(4200)}
    if event_type in ENDS:
        data["attempts"] = listed({"id": identifier("att"), "provider": text("stripe", "[a-z0-9]+")})
    return {
        "specversion": "1.0",
        "id": identifier("evt"),
        "source": "payera/gateway",
        "type": event_type,
        "subject": identifier("pay"),
        "time": text(_MOMENT, _TIME),
        "datacontenttype": "application/json",
        "merchant": identifier("mer"),
        "sequence": whole(2),
        "data": data,
    }


def shop_event(event_type: str) -> Json:
    """What the shop needs of it."""
    decline: Any = null()
    if event_type == "payment.declined":
        decline = {"reason": text("insufficient_funds", "[a-z_]+"), "advice": text("schedule", "[a-z_]+")}
    payment = {"reference": like("order-7"), "status": STATUS[event_type], "decline": decline}
    data: Json = {"payment": payment}
    if event_type in REFUND:
        data["refund"] = {"status": REFUND[event_type]}
    if event_type in DISPUTE:
        data["dispute"] = {"status": DISPUTE[event_type], "evidence_due_at": text(_MOMENT, _TIME)}
    return {"id": identifier("evt"), "type": event_type, "data": data}


WEBHOOK_HEADERS: Json = {
    "webhook-id": identifier("evt"),
    "webhook-timestamp": text("1763812800", "[0-9]{10}"),
    "webhook-signature": text("v1,AAAA", r"v1,[A-Za-z0-9+/]+={0,2}"),
    "signature": "valid",
}


def keep_books(event_type: str, body: bytes) -> None:
    """The bookkeeping takes it. Raises ContractBroken."""
    entry = entry_of(json.loads(body))
    disputed = None if entry.dispute is None else entry.dispute[1]
    said = (entry.type, entry.status, entry.payment_id, entry.amount, len(entry.attempts), disputed)
    if said != (event_type, STATUS[event_type], PAYMENT, 4200, int(event_type in ENDS), DISPUTE.get(event_type)):
        raise ContractBroken(f"the bookkeeping made {entry} of {event_type}")


def tell_shop(event_type: str, body: bytes) -> None:
    """The shop takes it, signed by the scheme's own library. Raises ContractBroken."""
    now = datetime.fromtimestamp(int(time.time()), UTC)
    signed = {
        "webhook-id": EVENT,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(SECRET).sign(EVENT, now, body.decode()),
    }
    notice = receive(SECRET, signed, body)
    said = (notice.event_id, notice.order, notice.refund, notice.dispute)
    due = f"{DISPUTE.get(event_type)} until {_MOMENT}" if event_type in DISPUTE else None
    if said != (EVENT, "order-7", REFUND.get(event_type), due):
        raise ContractBroken(f"the shop made {notice} of {event_type}")


@dataclass(frozen=True, slots=True)
class Contract:
    """One consumer of our events: what it needs, and that it can live on it."""

    consumer: str
    needs: Callable[[str], Json]
    takes: Callable[[str, bytes], None]
    metadata: Json

    @property
    def file(self) -> Path:
        """Its committed pact."""
        return self.file_in(FOLDER / "events" / "pacts")

    def file_in(self, folder: Path) -> Path:
        """Its pact in a folder."""
        return folder / f"{self.consumer}-{PROVIDER}.json"


KAFKA_METADATA = {"topic": "payera.payments.v1", "key": identifier("pay")}
CONTRACTS = (
    Contract("bookkeeping", book_event, keep_books, KAFKA_METADATA),
    Contract("shop", shop_event, tell_shop, WEBHOOK_HEADERS),
)


def play_events(contract: Contract, folder: Path, types: tuple[str, ...] = EVENT_TYPES) -> Path:
    """The consumer's pact, written anew. Raises ContractBroken."""
    path = contract.file_in(folder)
    path.unlink(missing_ok=True)
    for event_type in types:
        pact = Pact(contract.consumer, PROVIDER).with_specification(SPECIFICATION)
        declared = pact.upon_receiving(event_type, "Async")
        declared.with_body(contract.needs(event_type), "application/json").with_metadata(contract.metadata)

        def take(body: str | bytes | None, _: dict[str, object], event_type: str = event_type) -> None:
            contract.takes(event_type, body.encode() if isinstance(body, str) else body or b"")

        for error in pact.verify(take, "Async", raises=False) or []:
            raise ContractBroken(f"{contract.consumer}: {event_type}: {error}")
        pact.write_file(folder)
    return path
