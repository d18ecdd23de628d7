"""Ports: what the use cases need from the outside, and nothing about how it is done."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from gateway.domain.card import CardSecret, Secret
from gateway.domain.outcome import Outcome

OperationKind = Literal["authorize", "capture", "void", "refund"]
Means = Literal["idempotent_replay", "read_by_reference", "read_by_provider_reference", "technical_cancel", "webhook"]
"""How an unknown outcome may be resolved. A connector declares, per operation, which of these its PSP really offers."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ConnectorSpec:
    """What a provider can do and how its unknowns resolve; declared as data in `gateway/connectors/<slug>/__init__.py`.

    Times are seconds. `max_processing_s`: the longest the PSP may still commit a request it has received.
    `index_lag_s`: how late a read by reference may be. `replay_window_s`: how long an idempotency key is remembered.
    `webhook_is_truth`: True where the signed content may be applied as it is (Adyen), False where it is a hint to
    read the object (Mollie, Stripe).
    """

    slug: str
    title: str
    capabilities: frozenset[str]  # authorize capture partial_capture multiple_captures void refund partial_refund read webhook
    resolves: Mapping[OperationKind, tuple[Means, ...]]
    max_processing_s: float
    index_lag_s: float
    replay_window_s: float
    webhook_is_truth: bool = False
    credentials: tuple[str, ...] = ("api_key", "webhook_secret")


@dataclass(frozen=True, slots=True)
class ProviderAccount:
    """A merchant's account at a PSP, opened: credentials are `Secret`s. `base_url` has no trailing slash."""

    id: str
    provider: str
    base_url: str
    credentials: Mapping[str, Secret]
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProviderCall:
    """One operation as a connector sends it. `operation_id` is the idempotency key AND the reference the PSP stores.

    `amount` is in minor units of `currency`. For authorize, `capture` says whether the PSP captures at once; for
    capture, `final` says whether the rest of the authorization is released. `parent_reference` is the PSP's own id of
    the authorization (capture, void) or of the charge (refund). `provider_reference` is the PSP's id of this very
    operation where it is already known (reads).
    """

    account: ProviderAccount
    kind: OperationKind
    payment_id: str
    operation_id: str
    amount: int
    currency: str
    timeout_s: float
    capture: bool = True
    final: bool = True
    parent_reference: str | None = None
    provider_reference: str | None = None
    merchant_reference: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class WebhookFact:
    """What one PSP notification says about one of our operations, after its signature was verified.

    `operation_id` is our reference if the PSP echoed it. `outcome` is given only where the connector's spec says that
    the webhook is the truth; otherwise the fact is a hint and the operation is read.
    """

    event_id: str
    event_type: str
    operation_id: str | None
    provider_reference: str | None
    outcome: Outcome | None = None


class Connector(Protocol):
    """One PSP dialect. Verbs return an `Outcome` and never raise for what the wire may do; `card` is only for authorize."""

    spec: ConnectorSpec

    async def authorize(self, call: ProviderCall, card: CardSecret) -> Outcome: ...
    async def capture(self, call: ProviderCall) -> Outcome: ...
    async def void(self, call: ProviderCall) -> Outcome: ...
    async def refund(self, call: ProviderCall) -> Outcome: ...

    async def read(self, call: ProviderCall) -> Outcome:
        """What the PSP knows of `call`, by its own reference if given, else by ours. `Absent` if nothing."""
        ...

    def verify_webhook(
        self, headers: Mapping[str, str], body: bytes, account: ProviderAccount, now_s: float
    ) -> tuple[WebhookFact, ...]:
        """Check the signature over the raw bytes (constant time, 300 s both ways), then parse. Raises `BadSignature`."""
        ...


class Connectors(Protocol):
    """The registry as use cases see it."""

    def get(self, slug: str) -> Connector: ...
