"""Ports: what the use cases need from the outside, and nothing about how it is done."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol, runtime_checkable

from gateway.domain.card import CardSecret, Secret
from gateway.domain.dispute import DisputeFact
from gateway.domain.outcome import Outcome
from gateway.domain.threeds import Cavv, ThreeDsProof
from gateway.use_cases.flights import Flights
from gateway.use_cases.settlement import SettlementParser

OperationKind = Literal["authorize", "capture", "void", "refund"]
Means = Literal["idempotent_replay", "read_by_reference", "read_by_provider_reference", "technical_cancel", "webhook"]
"""How an unknown outcome may be resolved. A connector declares, per operation, which of these its PSP really offers."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ConnectorSpec:
    """What a provider can do and how its unknowns resolve; declared as data in `gateway/connectors/<slug>/__init__.py`.

    Times are seconds. `max_processing_s`: the longest the PSP may still commit a request it has received.
    `index_lag_s`: how late a read by reference may be. `replay_window_s`: how long an idempotency key is remembered.
    `replay_after_5xx`: False where only a 2xx is stored under the key, so that a repeated request is executed again
    (Checkout.com). `webhook_is_truth`: True where the signed content may be applied as it is (Adyen), False where it
    is a hint to read the object (Mollie, Stripe); where it is True, `read` may know nothing. `webhook_stamped`: False
    where the signature covers no time, so that an old notification is known by its event id alone. `acknowledgement`:
    the body that the PSP wants as answer to a notification, text; None: any 2xx will do. `webhook_events`: the PSP's
    names of the notifications that the connector reads, to subscribe to nothing else; `*` is all. `credentials` and
    `settings`: the names that an account of this provider needs; settings beside these are allowed.
    `authorization_validity_s`: how long the PSP holds what was authorized and not captured; `refund_window_s`: how long
    after the authorization it takes refunds, None where no limit is published. `settlement`: reads the PSP's
    settlement file; None where this connector cannot.
    """

    slug: str
    title: str
    capabilities: frozenset[
        str
    ]  # authorize capture partial_capture multiple_captures reauthorize void refund partial_refund read webhook
    resolves: Mapping[OperationKind, tuple[Means, ...]]
    max_processing_s: float
    index_lag_s: float
    replay_window_s: float
    replay_after_5xx: bool = True
    webhook_is_truth: bool = False
    webhook_stamped: bool = True
    acknowledgement: str | None = None
    webhook_events: tuple[str, ...] = ("*",)
    credentials: tuple[str, ...] = ("api_key", "webhook_secret")
    settings: tuple[str, ...] = ()
    authorization_validity_s: float = 7 * 86400.0
    refund_window_s: float | None = None
    settlement: SettlementParser | None = None


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
    operation where it is already known (reads). `mcc`: what the merchant trades in, by ISO 18245, as it was when the
    payment began: a repeated request must be the same.
    `merchant_initiated`: nobody is there to act; the shopper agreed before, in the transaction whose id in the card
    network is `network_transaction_id` (where it is known).
    `three_ds`: the shopper was authenticated elsewhere; the PSP gets the proof and challenges nobody.
    `send_by_s` is the fence, in seconds of the monotonic clock: past it not one byte may leave, and the answer is
    `NotSent`. None for reads, which move no money.
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
    mcc: str | None = None
    merchant_initiated: bool = False
    network_transaction_id: str | None = None
    send_by_s: float | None = None
    three_ds: ThreeDsProof | None = None


@dataclass(frozen=True, slots=True)
class WebhookFact:
    """What one PSP notification says about one of our operations, after its signature was verified.

    `operation_id` is our reference if the PSP echoed it. `outcome` is given only where the connector's spec says that
    the webhook is the truth; otherwise the fact is a hint and the operation is read. `undoes`: it speaks of what was
    confirmed before (a refund that bounced, an authorization that ran out), so that even an approved operation is read
    again.
    """

    event_id: str
    event_type: str
    operation_id: str | None
    provider_reference: str | None  # of a dispute: of the charge that it is about
    outcome: Outcome | None = None
    undoes: bool = False
    dispute: DisputeFact | None = None


class Connector(Protocol):
    """One PSP dialect. Verbs return an `Outcome` and never raise for what the wire may do."""

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
        """Check the signature in constant time, and a signed time to 300 s both ways; parse. Raises `BadSignature`."""
        ...


@dataclass(frozen=True, slots=True)
class DisputeCall:
    """The merchant's answer to a dispute, as a connector sends it. `text`: the evidence; `key`: the idempotency key."""

    account: ProviderAccount
    provider_reference: str
    answer: Literal["accept", "evidence"]
    key: str
    timeout_s: float
    text: str | None = None


DisputeAnswered = Literal["done", "refused", "unknown"]
"""What the PSP made of it. Nothing is moved by it that a notice would not tell, so an unknown needs no resolving."""


@runtime_checkable
class AnswersDisputes(Protocol):
    """A connector that declares `dispute_accept` or `dispute_evidence` has this verb as well."""

    async def answer_dispute(self, call: DisputeCall) -> DisputeAnswered: ...


class Connectors(Protocol):
    """The registry as use cases see it."""

    def get(self, slug: str) -> Connector: ...

    @property
    def specs(self) -> Mapping[str, ConnectorSpec]:
        """What every provider offers, by slug."""
        ...


class Store(Protocol):
    """The stored procedures. JSON in, JSON out; every refusal is raised as an error of `gateway.domain.errors`."""

    async def call(self, function: str, merchant: str, p: Json) -> Any:
        """Call `api.<function>` for one merchant, in one transaction. Raises `PayeraError`, `StoreUnavailable`."""
        ...

    async def system(self, function: str, p: Json) -> Any:
        """Call `sys.<function>`, across merchants. Raises as `call`."""
        ...


class Vault(Protocol):
    """The only part that sees a PAN at rest. Everything it gives out is a `Secret`; ciphertexts are base64 text."""

    async def open_card(self, merchant: str, card: Json) -> CardSecret:
        """Open DISPATCH.card for a connector's last step. No CVV once its key is gone. Raises `VaultFailed`."""
        ...

    async def open_credentials(self, merchant: str, account: Json) -> Mapping[str, Secret]:
        """Open DISPATCH.account's credentials. Raises `VaultFailed`."""
        ...

    async def seal_card(self, merchant: str, card: CardSecret, token_id: str, at: datetime) -> Json:
        """Check, encrypt and fingerprint a card: the card object of `payment_begin_v1`. Raises `InvalidCard`."""
        ...

    async def seal_text(self, merchant: str, row_id: str, purpose: str, text: str) -> tuple[str, str]:
        """Encrypt a PSP's credentials or a webhook secret for one row: (ciphertext, key id)."""
        ...

    async def open_text(self, merchant: str, row_id: str, purpose: str, ciphertext: str, key_id: str) -> Secret:
        """The reverse. Raises `VaultFailed` for another row's or another merchant's ciphertext."""
        ...

    def seal_cavv(self, merchant: str, payment_id: str, cavv: Cavv, at: datetime) -> Json:
        """Encrypt a payment's cryptogram like a CVV: `{cavv_ciphertext, cavv_expires_at}` of `payment_begin_v1`."""
        ...

    def open_cavv(self, merchant: str, payment_id: str, ciphertext: str | None) -> Cavv | None:
        """The reverse; None once it is destroyed. Raises `VaultFailed`."""
        ...

    def forget_cvv(self, token_id: str) -> None:
        """Destroy the key of this token's CVV, or of this payment's cryptogram: no copy of the ciphertext can be opened
        any more (PCI DSS 3.3.1).
        """
        ...


class Workflows(Protocol):
    """Durable execution, as far as the rest needs it."""

    async def first_answer(self, merchant: str, payment_id: str, operation_id: str, budget_s: float) -> None:
        """Start or join the payment's workflow and wait for its first answer, at most `budget_s`.

        Asking again for the same operation gives the same answer; every operation has a first answer of its own.

        Returns when the payment is at rest or waits for somebody else. A timeout or an RPC error is not a failure:
        the order row is written, the relay starts the workflow; so this returns then as well and never raises.
        """
        ...

    async def wake(self, merchant: str, payment_id: str) -> None:
        """Signal the payment's workflow, starting it if it does not run. Raises if the server did not acknowledge."""
        ...


class Egress(Protocol):
    """Where the gateway may connect to."""

    async def check(self, url: str, where: str = "url") -> None:
        """Raises `EgressRefused` for a URL that the policy forbids."""
        ...


class ApiKeys(Protocol):
    """What turns an API key into what the database knows of it."""

    def api_key_hash(self, key: str) -> str: ...


class Clock(Protocol):
    """Business time is an argument everywhere; fences use the monotonic clock, which nobody can set back."""

    def now(self) -> datetime: ...
    def monotonic_s(self) -> float: ...


class Failpoints(Protocol):
    """Named places where a test may stop or end the process. Outside the test profile nothing happens here."""

    async def reach(self, name: str, merchant: str = "") -> None:
        """This process is at the point `name`, at work for `merchant`."""
        ...


@dataclass(frozen=True, slots=True)
class Timing:
    """Durations in seconds. The lease begins with the begin call; whoever holds it is the only sender."""

    psp_timeout_s: float = 10.0
    lease_s: float = 15.0
    answer_budget_s: float = 8.0
    cascade_window_s: float = 60.0

    @property
    def send_within_s(self) -> float:
        """How long after begin the first byte may leave: the longest answer then still ends inside the lease."""
        return (self.lease_s - self.psp_timeout_s) * 0.8

    def lease(self) -> Json:
        """`send_within_ms` and `lease_ms`, as every begin and claim function takes them."""
        return {"send_within_ms": int(self.send_within_s * 1000), "lease_ms": int(self.lease_s * 1000)}


@dataclass(frozen=True, slots=True)
class Ports:
    """The outside, handed to every use case. Built once per process by its composition root."""

    store: Store
    vault: Vault
    connectors: Connectors
    workflows: Workflows
    clock: Clock
    timing: Timing
    failpoints: Failpoints
    flights: Flights = field(default_factory=Flights)
