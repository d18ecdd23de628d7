"""What the API answers about reviews, timelines and to operators, for the OpenAPI document. Built by SQL."""

from typing import Any, Literal

from gateway.api.views import OperationView, PaymentView, Time, View

ReviewAction = Literal["approved", "declined", "absent", "look_again", "acknowledge"]
StuckKind = Literal[
    "lease_expired", "not_looked_at", "not_reversed", "attempt_due", "order_waiting", "key_in_flight", "event_unsent",
    "delivery_late", "delivery_dead",
]  # fmt: skip
AlertKind = Literal[
    "circuit_open", "endpoint_disabled", "deliveries_dead", "settlement_discrepancies", "settlement_failed",
    "outbox_late", "orders_late", "work_stuck",
]  # fmt: skip


class KnownView(View):
    """What is known of an operation under review."""

    status: str
    outcomes: list[str]
    looks: int
    looked_at: Time | None
    unknown_since: Time | None
    absent_since: Time | None
    provider_reference: str | None
    parent_reference: str | None
    cause: str | None
    provider_code: str | None
    message: str | None
    reversal_of: str | None


class ReviewView(View):
    """Something that no machine can decide; `actions` is what an operator can do about it now."""

    id: str
    object: Literal["review"]
    status: Literal["open", "resolved"]
    merchant: str
    payment: str
    operation: str
    kind: Literal["authorize", "capture", "void", "refund"]
    provider: str
    provider_account: str
    amount: int
    currency: str
    reason: str
    opened_at: Time
    known: KnownView
    actions: list[ReviewAction]
    resolved_at: Time | None
    resolution: Literal["approved", "declined", "absent", "look_again", "acknowledged", "evidence"] | None
    resolved_by: str | None
    evidence: str | None


class ResolvedReviewView(View):
    """The review, and what its resolution made of payment and operation. `workflow`: something goes on from here."""

    review: ReviewView
    payment: PaymentView
    operation: OperationView
    workflow: bool


class TimelineEntryView(View):
    """One thing that happened. `trace` names the trace in which it did, where that is known."""

    at: Time
    source: Literal["api", "gateway", "psp", "ledger", "event", "webhook", "workflow", "review", "operator"]
    what: str
    operation: str | None
    trace: str | None
    details: dict[str, Any]


class TimelineView(View):
    """One payment's story, in order of time."""

    payment: str
    object: Literal["timeline"]
    data: list[TimelineEntryView]


class AuditEntryView(View):
    """What an operator did. `hash` chains the entries; `result` is `done` or the code of the refusal."""

    id: str
    object: Literal["audit_entry"]
    position: int
    at: Time
    operator: str
    confirmed_by: str | None
    action: str
    result: str
    merchant: str | None
    payment: str | None
    subject: str | None
    why: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    origin: str | None
    trace: str | None
    hash: str
    previous_hash: str


class AuditProofView(View):
    """Whether the audit is whole. `broken`: positions whose hash does not fit; `head`: the hash to keep elsewhere."""

    entries: int
    broken: list[int]
    truncated: bool
    head: str


class AlertView(View):
    """What somebody who runs this should know. `subject` is the id of what it is about."""

    id: str
    object: Literal["alert"]
    kind: AlertKind
    subject: str
    merchant: str | None
    status: Literal["open", "closed"]
    details: dict[str, Any]
    times: int
    raised_at: Time
    last_at: Time
    closed_at: Time | None
    closed_by: str | None


class StuckEntryView(View):
    """Something that should have moved and has not."""

    kind: StuckKind
    merchant: str
    payment: str
    subject: str
    since: Time
    details: str | None


class StuckView(View):
    """What is stuck, the oldest first. `counts` leaves out what only a person moves (delivery_dead)."""

    object: Literal["stuck"]
    data: list[StuckEntryView]
    counts: dict[StuckKind, int]


class OpenPaymentView(View):
    """A payment that needs a workflow."""

    id: str
    object: Literal["open_payment"]
    merchant: str
    status: str
    since: Time


class WokenPaymentView(View):
    """The payment whose workflow was ordered."""

    id: str
    object: Literal["payment"]
    merchant: str
    status: str
