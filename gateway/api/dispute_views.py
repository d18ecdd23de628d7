"""Disputes as the API shows and takes them."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from gateway.api.schemas import Body
from gateway.api.views import Time, View
from gateway.domain.dispute import DisputeReason, DisputeStatus


class DisputeNoticeView(View):
    """One notice of the PSP. `applied`: it changed the status; the others came late, or said nothing new of it."""

    notice: str
    status: DisputeStatus
    at: Time
    received_at: Time
    applied: bool


class DisputeView(View):
    """A dispute. `amount_withdrawn`: what the bank has now; `fee`: what the PSP charged. Minor units of `currency`."""

    id: str
    object: Literal["dispute"]
    payment: str
    operation: str
    status: DisputeStatus
    reason: DisputeReason
    network_code: str | None
    amount: int
    currency: str
    amount_withdrawn: int
    fee: int
    provider: str
    provider_account: str
    provider_reference: str
    evidence_due_at: Time | None
    evidence_sent_at: Time | None
    accept_requested_at: Time | None
    history: list[DisputeNoticeView]
    opened_at: Time
    updated_at: Time
    closed_at: Time | None


Evidence = Annotated[
    str,
    # Lines and tabs are welcome, other control characters are not.
    StringConstraints(strict=True, min_length=1, max_length=20_000, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*$"),
    Field(examples=["Delivered on the third, signed for by the shopper."]),
]


class EvidenceBody(Body):
    """What the bank should know."""

    text: Evidence
