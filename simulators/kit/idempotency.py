"""What a PSP does with a repeated idempotency key. The differences between PSPs are data; the mechanism is one."""

from dataclasses import dataclass
from typing import Any, Literal

from simulators.kit.http import Answer

Keeps = Literal["answered", "success", "executed"]
Repeat = Literal["bytes", "current", "refuse"]


@dataclass(frozen=True, slots=True)
class IdempotencyPolicy:
    """How one PSP treats its idempotency keys.

    keeps     `answered`: whatever the client was answered, a 5xx included (Stripe v1).
              `success`: only a 2xx that was answered; after an error the request is processed again (Checkout.com).
              `executed`: what the operation really gave, even if the answer on the wire was a 5xx.
    repeat    `bytes`: the stored answer, byte for byte. `current`: the resource as it is now (PayPal, Braintree).
              `refuse`: an error that names the resource (GoCardless).
    same_request   whether another body or path under a known key is an error; if not, the key alone counts.
    retention_s    seconds on the account's clock after which a key is forgotten.
    replay_header  header `(name, value)` that a replay carries, if any.

    Refused requests (validation, authentication, rate limit) are never kept, in any policy.
    """

    keeps: Keeps = "answered"
    repeat: Repeat = "bytes"
    same_request: bool = True
    retention_s: float = 86_400.0
    replay_header: tuple[str, str] | None = None
    methods: frozenset[str] = frozenset(("POST",))

    def keep(self, executed: Answer | None, answered: Answer | None) -> Answer | None:
        """Which answer to store for the key, or None for nothing.

        `executed` is what the handler gave (None: it did not run), `answered` what an injected error said instead.
        """
        if self.keeps == "executed":
            return executed
        if self.keeps == "answered":
            return answered or executed
        final = answered or executed
        return final if final is not None and final.ok else None


@dataclass(slots=True)
class Remembered:
    """One key: the fingerprint of its request, the stored answer, the object it made, and when (account's clock)."""

    fingerprint: str
    answer: Answer
    object_id: str | None
    at: float

    def entry(self, key: str) -> list[Any]:
        """As the log writes it."""
        a = self.answer
        return [key, self.fingerprint, a.status, a.body.decode(), a.headers, a.content_type, self.object_id, self.at]

    @classmethod
    def read(cls, entry: list[Any]) -> tuple[str, "Remembered"]:
        """From the log: the key and what is remembered."""
        key, fingerprint, status, body, headers, content_type, object_id, at = entry
        return key, cls(fingerprint, Answer(status, body.encode(), headers, content_type), object_id, at)
