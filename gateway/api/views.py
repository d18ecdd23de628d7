"""What the API answers, for the OpenAPI document. The views themselves are built by SQL and passed through as they
are; tests hold them to these models, so that the hot path need not.
"""

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from gateway.domain.decline import DeclineReason

Item = TypeVar("Item")
Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]


class View(BaseModel):
    """Base of every answer: exactly these fields."""

    model_config = ConfigDict(extra="forbid")


class ProblemError(View):
    """One thing that is wrong."""

    where: str
    what: str
    how: str


class ProblemView(View):
    """Any error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[ProblemError] = []
    instance: str


class ListView(View, Generic[Item]):
    """One page."""

    object: Literal["list"]
    data: list[Item]
    has_more: bool
    next_cursor: str | None


class MerchantView(View):
    """A tenant. `mcc`: what it trades in, by ISO 18245."""

    id: str
    object: Literal["merchant"]
    name: str
    mcc: str | None
    country: str | None
    created_at: Time


class NewMerchantView(MerchantView):
    """A tenant with its keys, which are shown this once."""

    secret_key: str
    publishable_key: str


class CardView(View):
    """What may be shown of a card."""

    brand: str
    bin: str
    last4: str
    exp_month: int
    exp_year: int


class TokenCardView(CardView):
    """With the keyed fingerprint: equal for equal cards of one merchant."""

    fingerprint: str


class TokenView(View):
    """A stored card."""

    id: str
    object: Literal["token"]
    card: TokenCardView
    created_at: Time


PaymentStatus = Literal[
    "processing",
    "requires_action",
    "authorized",
    "partially_captured",
    "captured",
    "declined",
    "failed",
    "canceled",
    "needs_review",
]
OperationStatus = Literal[
    "dispatched",
    "approved",
    "declined",
    "not_sent",
    "pending",
    "requires_action",
    "unknown",
    "absent",
    "review",
    "reversed",
]


class DeclineView(View):
    """Why not, and what may follow."""

    reason: DeclineReason
    advice: Literal["none", "schedule", "after_update", "step_up_3ds"] | None
    provider_code: str | None
    network_code: str | None
    message: str | None


class PaymentView(View):
    """A payment. Amounts in minor units of `currency`."""

    id: str
    object: Literal["payment"]
    status: PaymentStatus
    amount: int
    currency: str
    capture_method: Literal["automatic", "manual"]
    amount_authorized: int
    amount_captured: int
    amount_refunded: int
    provider: str | None
    card: CardView
    token: str
    decline: DeclineView | None
    reference: str | None
    description: str | None
    metadata: dict[str, str]
    cancel_requested: bool
    review_reason: str | None
    created_at: Time
    updated_at: Time
    amount_disputed: int
    authorization_expires_at: Time | None
    cancellation_reason: Literal["requested_by_merchant", "authorization_expired"] | None


class AttemptView(View):
    """One authorization at one PSP. `outcomes` is what was learned, in order."""

    id: str
    object: Literal["attempt"]
    payment: str
    provider: str
    provider_account: str
    status: OperationStatus
    outcomes: list[str]
    amount: int
    currency: str
    provider_reference: str | None
    reason: str | None
    provider_code: str | None
    network_code: str | None
    surplus: bool
    created_at: Time
    settled_at: Time | None
    network_transaction_id: Annotated[str | None, Field(description="The card network's id, good at any provider")]


class OperationView(AttemptView):
    """Any call to a PSP."""

    object: Literal["operation"]  # type: ignore[assignment]  # the same fields, another word
    kind: Literal["authorize", "capture", "void", "refund"]
    reversal_of: str | None
    reversed_by: str | None
    supersedes: str | None
    superseded_by: str | None


class RefundFailureView(View):
    """What the PSP said when it refused."""

    reason: str | None
    provider_code: str | None
    message: str | None


class RefundView(View):
    """Money given back."""

    id: str
    object: Literal["refund"]
    payment: str
    amount: int
    currency: str
    status: Literal["pending", "succeeded", "failed", "needs_review"]
    reason: str | None
    provider: str
    provider_reference: str | None
    failure: RefundFailureView | None
    metadata: dict[str, str]
    created_at: Time
    settled_at: Time | None


class LedgerLineView(View):
    """Signed minor units: debit above zero."""

    account: str
    amount: int
    currency: str


class LedgerTransactionView(View):
    """One posting; its lines sum to zero. `hash` chains the postings of a payment."""

    id: str
    kind: str
    operation: str
    at: Time
    hash: str
    previous_hash: str
    lines: list[LedgerLineView]


class EventView(View):
    """An event as it is published (CloudEvents 1.0)."""

    specversion: Literal["1.0"]
    id: str
    source: Literal["payera/gateway"]
    type: str
    subject: str
    time: Time
    datacontenttype: Literal["application/json"]
    merchant: str
    sequence: int
    data: dict[str, Any]


class WebhookEndpointView(View):
    """Where events go."""

    id: str
    object: Literal["webhook_endpoint"]
    url: str
    enabled_events: list[str]
    status: Literal["enabled", "disabled"]
    created_at: Time
    updated_at: Time


class CreatedWebhookEndpointView(WebhookEndpointView):
    """With the secret, shown this once."""

    secret: str


class DeliveryView(View):
    """One event on its way to one endpoint."""

    id: str
    object: Literal["webhook_delivery"]
    endpoint: str
    event: str
    event_type: str
    payment: str
    status: Literal["pending", "delivered", "dead"]
    attempts: int
    next_at: Time | None
    status_code: int | None
    error: str | None
    created_at: Time
    delivered_at: Time | None


class ProviderAccountView(View):
    """An account at a PSP, without its credentials."""

    id: str
    object: Literal["provider_account"]
    provider: str
    base_url: str
    settings: dict[str, Any]
    webhook_path: str
    created_at: Time
    webhook_events: list[str]


class DeletedView(View):
    """What was there."""

    id: str
    object: str
    deleted: Literal[True]


class ReceivedView(View):
    """A notification was stored."""

    received: Literal[True]


class HealthView(View):
    """The process can do its work."""

    status: Literal["ok"]
