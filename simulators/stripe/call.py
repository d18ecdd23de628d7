"""One request on its way through a handler: what it reads, what it wants written, moved and told.

Nothing a handler does reaches the account before `flush`, so a refusal leaves no trace, and an object that is changed
three times in one request is written once.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from simulators.kit import cards, lifecycle
from simulators.kit.accounts import Account
from simulators.kit.faults import NO_FAULT, Decision
from simulators.kit.journal import Kind
from simulators.kit.webhooks import ENDPOINTS
from simulators.stripe import objects
from simulators.stripe.cards import number_of_token
from simulators.stripe.errors import not_found
from simulators.stripe.objects import Json

_OPERATION_ID = re.compile(r"[a-z]{2,5}_[0-9a-z]{26}")

ACCOUNT_VERSION = "2026-10-28.endive"
"""The account's default API version, for requests without `Stripe-Version` and for events."""
INVOICE_REMOVED_IN = "2025-03-31"
"""Since this version (basil) intents and charges have no `invoice`."""


class Call:
    """The request's parameters and the account as the handler sees it, with everything it has staged so far."""

    __slots__ = (
        "_ended", "_movements", "_moves", "_staged", "account", "base_url", "created", "decision", "deleted", "events",
        "form", "idempotency_key", "params", "path", "request_id", "version",
    )  # fmt: skip

    def __init__(self, account: Account, *, path: tuple[str, ...], form: Json, base_url: str) -> None:
        self.account = account
        self.path = path
        self.form = form
        self.params: Json = {}
        self.base_url = base_url
        self.version = ACCOUNT_VERSION
        self.idempotency_key: str | None = None
        self.request_id: str | None = None
        self.decision: Decision = NO_FAULT
        self.created = account.now()
        self.events: list[tuple[str, Json, Json | None]] = []
        self.deleted: list[tuple[str, str]] = []
        self._ended: list[str] = []
        self._staged: dict[tuple[str, str], Json] = {}
        self._moves: list[tuple[Kind, int, str, str, str | None, str | None, str | None, str | None]] = []
        self._movements: list[tuple[str, str, lifecycle.Mode, Mapping[str, Any]]] = []

    # -- reading
    def get(self, collection: str, identifier: str) -> Json | None:
        """The object as this request left it, or as it is stored; None if there is none."""
        return self._staged.get((collection, identifier)) or self.account.store.get(collection, identifier)

    def need(self, collection: str, identifier: str, param: str, *, status: int = 404, kind: str | None = None) -> Json:
        """The object, or `resource_missing` (`kind` is Stripe's word for it in the message)."""
        found = self.get(collection, identifier)
        if found is None:
            raise not_found(kind or collection, identifier, param, status=status)
        return found

    def find(self, collection: str, field: str, value: str) -> list[Json]:
        """Objects whose `field` is `value`, oldest first, with what this request has staged."""
        stored = {item["id"]: item for item in self.account.store.find(collection, field, value)}
        for (name, identifier), item in self._staged.items():
            if name == collection and item.get(field) == value:
                stored[identifier] = item
        return list(stored.values())

    def month(self) -> tuple[int, int]:
        """Year and month on the account's clock."""
        now = datetime.fromtimestamp(self.created, UTC)
        return now.year, now.month

    def traits_of(self, number: str) -> tuple[str, str, str]:
        """Fingerprint, BIN and last four of a typed number, as fault rules match them."""
        digits = number.replace(" ", "").replace("-", "")
        return cards.fingerprint(self.account.world.card_key, digits), digits[:6], digits[-4:]

    def traits_of_method(self, identifier: str) -> tuple[str | None, str | None, str | None]:
        """The same of a payment method or a test token; nothing for one that does not exist."""
        number = number_of_token(identifier)
        if number is not None:
            return self.traits_of(number)
        kept = self.get("card", identifier)
        return (kept["fingerprint"], kept["bin"], kept["last4"]) if kept is not None else (None, None, None)

    # -- staging
    def new_id(self, prefix: str, length: int = 24) -> str:
        """`prefix` and letters and digits, from the account's seed."""
        return self.account.new_id(prefix, length)

    def put(self, collection: str, item: Json) -> Json:
        """Stage an object; returns it."""
        self._staged[(collection, item["id"])] = item
        return item

    def delete(self, collection: str, identifier: str) -> None:
        """Stage a removal."""
        self.deleted.append((collection, identifier))

    def emit(self, kind: str, item: Json, before: Json | None = None) -> None:
        """Stage an event about `item` as it is now; with `before`, what changed goes into `previous_attributes`."""
        previous = None
        if before is not None:
            previous = {key: value for key, value in before.items() if item.get(key) != value}
        self.events.append((kind, item, previous))

    def move(self, kind: Kind, amount: int, item: Json, *, of: Json | None = None, code: str | None = None) -> None:
        """Stage a journal entry: `amount` in minor units of the object's currency; `of` is what it moved from.

        What an intent authorizes or takes at once bears the intent's id; captures, voids and refunds name it as parent.
        The reference is the request's own `metadata[payera_operation]`, else the idempotency key if it is an operation
        id (cancelling takes no metadata); the payment is `metadata[payera_payment]` of the request or of an object.
        """
        origin = item["payment_intent"]
        object_id = origin if of is None and item["object"] == "charge" else item["id"]
        given = self.params.get("metadata") or {}
        payment = given.get("payera_payment") or item["metadata"].get("payera_payment")
        reference = given.get("payera_operation")
        if of is not None:
            payment = payment or of["metadata"].get("payera_payment")
            if kind == "refund_failed":  # nobody's request: the refund itself says whose it was
                reference = item["metadata"].get("payera_operation")
        elif reference is None:  # an intent that is confirmed later carries the reference of its creation
            reference = item["metadata"].get("payera_operation")
        if reference is None and self.idempotency_key is not None and _OPERATION_ID.fullmatch(self.idempotency_key):
            reference = self.idempotency_key
        parent = origin if of is not None else None
        self._moves.append((kind, amount, item["currency"], object_id, parent, reference, payment, code))

    def amount(self, asked: Any) -> int:
        """The amount to move in minor units: what was asked, unless a `wrong_amount` fault says otherwise."""
        wrong = self.decision.get("wrong_amount")
        return int(asked if wrong is None else wrong["amount"])

    def later(self, identifier: str, action: str, seconds: float | None, data: Mapping[str, Any]) -> None:
        """Let an object move by itself after `seconds` on the account's clock; None: only by hand."""
        mode = lifecycle.manual() if seconds is None else lifecycle.after(seconds)
        self._movements.append((identifier, action, mode, data))

    def look_or_wait(self, identifier: str, action: str, mode: lifecycle.Mode) -> None:
        """Let an object move as `mode` says: on the n-th look, by hand, or after a time."""
        self._movements.append((identifier, action, mode, {}))

    def settled(self, identifier: str) -> None:
        """Forget the movement that `later` ordered: the object came to its end another way."""
        self._ended.append(identifier)

    def flush(self) -> list[Json]:
        """Write what was staged into the open transaction; returns the events made."""
        store = self.account.store
        for (collection, _), item in self._staged.items():
            store.put(collection, item)
        for collection, identifier in self.deleted:
            store.delete(collection, identifier)
        for move, amount, currency, thing, parent, reference, payment, code in self._moves:
            self.account.record(
                move, amount, currency, thing, parent=parent, reference=reference, payment=payment, code=code
            )
        for identifier in self._ended:
            lifecycle.stop(self.account, identifier)
        for identifier, action, mode, data in self._movements:
            lifecycle.start(self.account, identifier, action, mode, data)
        made = []
        request = {"id": self.request_id, "idempotency_key": self.idempotency_key}
        for kind, item, previous in self.events:
            identifier = self.new_id("evt_")
            made.append(objects.event(identifier, self.created, ACCOUNT_VERSION, kind, item, previous, request))
        endpoints = list(store.all(ENDPOINTS)) if made else []
        for event in made:
            event["pending_webhooks"] = sum(
                "*" in one["events"] or event["type"] in one["events"] for one in endpoints if not one.get("disabled")
            )
            store.put("event", event)
            self.account.notify(event["type"], event["id"], event)
        return made
