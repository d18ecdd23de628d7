"""Give back all or part of a captured amount."""

from dataclasses import dataclass, field

from gateway.domain.ids import new_id
from gateway.tracing import use_case
from gateway.use_cases.offers import refund_windows_of
from gateway.use_cases.operate import Answer, IdempotencyKey, Request, operate
from gateway.use_cases.ports import Json, Ports


@dataclass(frozen=True, slots=True)
class RefundPayment:
    """`amount` in minor units, None for all that is left to refund."""

    merchant: str
    payment_id: str
    amount: int | None = None
    reason: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    idempotency: IdempotencyKey | None = None


@use_case
async def refund_payment(ports: Ports, command: RefundPayment) -> Answer:
    """Refund and answer with the refund's view: 201 when it ended, 202 while it is pending.

    Raises `NotFound`, `Conflict` (`payment_not_refundable`, …), `Refused` (`amount_exceeds_captured`).
    """
    p: Json = {
        "payment_id": command.payment_id,
        "operation_id": new_id("ref"),
        "event_id": new_id("evt"),
        "metadata": command.metadata,
        "refund_windows": refund_windows_of(ports),
    }
    if command.amount is not None:
        p["amount"] = command.amount
    if command.reason is not None:
        p["reason"] = command.reason
    return await operate(ports, Request(command.merchant, "refund_begin_v1", p, "refund", command.idempotency))
