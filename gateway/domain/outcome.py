"""What a PSP's answer means. A decline is a value; *unknown* is its own outcome and never a failure.

Every connector verb returns exactly one of these. The difference that guards the money:

    Approved, Declined      the PSP told us, the attempt is settled
    NotSent                 proved: no byte of the request reached the PSP, so nobody was charged
    Absent                  proved by a read: the PSP has no such operation
    Pending, ActionRequired the PSP accepted and will say later
    Reversed                the PSP had confirmed and takes it back: a capture or refund that failed afterwards
    Expired                 the authorization ran out at the PSP: what was not captured is released
    Unknown                 a timeout, a reset after send, a 5xx, a malformed answer: nobody knows, so no other is asked
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from gateway.domain.decline import DeclineReason

UnknownCause = Literal[
    "timeout", "reset", "server_error", "malformed", "rate_limited", "in_progress", "crash", "conflict"
]
"""Why the outcome is not known. `crash` is our own: the sender died between begin and apply."""


@dataclass(frozen=True, slots=True)
class Approved:
    """The PSP moved or reserved the money. `amount` is in minor units, as the PSP states it, not as we asked."""

    kind: ClassVar[str] = "approved"
    provider_reference: str
    amount: int
    currency: str
    captured: bool = False
    network_transaction_id: str | None = None


@dataclass(frozen=True, slots=True)
class Declined:
    """A refusal by issuer, scheme or PSP. `provider_code` is the PSP's own word, kept for support and audits.

    `network_code`: the issuer's response code (ISO 8583), `network_advice`: Mastercard's merchant advice code, where
    the PSP passes them on; the schemes' retry rules go by them.
    """

    kind: ClassVar[str] = "declined"
    reason: DeclineReason
    provider_code: str
    provider_reference: str | None = None
    network_code: str | None = None
    message: str | None = None
    network_advice: str | None = None


@dataclass(frozen=True, slots=True)
class Pending:
    """Accepted, result later (webhook or read)."""

    kind: ClassVar[str] = "pending"
    provider_reference: str


@dataclass(frozen=True, slots=True)
class ActionRequired:
    """The shopper must act (challenge or redirect) before the PSP decides."""

    kind: ClassVar[str] = "action_required"
    provider_reference: str
    action: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NotSent:
    """Proved not to have reached the PSP: refused before the first byte, or fenced by `send_by`."""

    kind: ClassVar[str] = "not_sent"
    cause: str


@dataclass(frozen=True, slots=True)
class Absent:
    """A read says that the PSP has no such operation. Counts only on a second look (see `resolution`)."""

    kind: ClassVar[str] = "absent"


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody knows. Resolved by the means the connector declares, never by asking somebody else."""

    kind: ClassVar[str] = "unknown"
    cause: UnknownCause
    provider_reference: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Reversed:
    """It had happened and does not stand: the scheme refused a capture that was accepted, a bank sent a refund back.

    Of an authorization that was captured at once it says that the capture failed; the hold is as it was.
    """

    kind: ClassVar[str] = "reversed"
    reason: DeclineReason
    provider_code: str
    provider_reference: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Expired:
    """The PSP let an authorization run out; what was captured before stands."""

    kind: ClassVar[str] = "expired"
    provider_reference: str


Outcome = Approved | Declined | Pending | ActionRequired | NotSent | Absent | Unknown | Reversed | Expired
