"""Refusals, as the domain names them. The API turns each into one problem+json answer by a total table.

PayeraError
├── NotFound               the id does not exist for this merchant (another tenant's id reads the same)
├── Conflict               the resource is in another state, or busy
│   └── IdempotencyKeyReused   the same key with another body
├── Refused                well-formed, but a rule says no
│   ├── InvalidCard        a card field is wrong; says which one and how to mend it, never the value
│   └── EgressRefused      an outgoing URL that the policy forbids
├── BadSignature           a notification whose signature does not hold
├── VaultFailed            a ciphertext or a key cannot be opened: nothing is sent
├── StoreUnavailable       the database cannot be asked now; what was asked may or may not have happened
└── Bug                    our own mistake
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Complaint:
    """One thing that is wrong with a request: where it stands, what is wrong, how to mend it. Never the value."""

    where: str
    what: str
    how: str


class PayeraError(Exception):
    """Base of every refusal. `code` is for machines and stable, `detail` is one sentence for people."""

    def __init__(self, code: str, detail: str, complaints: Sequence[Complaint] = ()) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail
        self.complaints = tuple(complaints)

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"


class NotFound(PayeraError):
    """The id names nothing that this merchant has."""


class Conflict(PayeraError):
    """The resource is in a state that does not allow this, or an equal request is still under way."""


class IdempotencyKeyReused(Conflict):
    """The idempotency key was used before with another body or path."""


class Refused(PayeraError):
    """The request is well-formed and a rule says no: no route, amount above what is left, …"""


class InvalidCard(Refused):
    """A card field is wrong."""

    def __init__(self, where: str, what: str, how: str, code: str = "invalid_card") -> None:
        super().__init__(code, f"{where}: {what}", (Complaint(where, what, how),))


class EgressRefused(Refused):
    """The gateway may not call this URL (SEC-12)."""

    def __init__(self, detail: str, where: str = "url") -> None:
        complaint = Complaint(where, detail, "give a public https URL that resolves to public addresses only")
        super().__init__("url_not_allowed", detail, (complaint,))


class BadSignature(PayeraError):
    """A notification whose signature does not hold. The reason stays inside: the sender learns only 401 (SEC-11)."""

    def __init__(self, detail: str = "the signature does not hold") -> None:
        super().__init__("bad_signature", detail)


class VaultFailed(PayeraError):
    """A ciphertext or key cannot be opened. Fails closed: the operation is not sent."""

    def __init__(self, detail: str) -> None:
        super().__init__("vault_failed", detail)


class StoreUnavailable(PayeraError):
    """The database did not answer. A write may have happened: read before deciding anything."""

    def __init__(self, detail: str = "the database did not answer") -> None:
        super().__init__("store_unavailable", detail)


class Bug(PayeraError):
    """A forbidden transition or a broken invariant: our own mistake, an alert."""
