"""Take all or part of an authorized amount."""

from dataclasses import dataclass

from gateway.domain.ids import new_id
from gateway.tracing import use_case
from gateway.use_cases.offers import offers_of
from gateway.use_cases.operate import Answer, IdempotencyKey, Request, operate
from gateway.use_cases.ports import Json, Ports


@dataclass(frozen=True, slots=True)
class CapturePayment:
    """`amount` in minor units, None for all that is left. `final` releases what remains after this capture."""

    merchant: str
    payment_id: str
    amount: int | None = None
    final: bool = True
    idempotency: IdempotencyKey | None = None


@use_case
async def capture_payment(ports: Ports, command: CapturePayment) -> Answer:
    """Capture and answer with the payment's view: 201, or 202 while the capture's result is not known.

    Raises `NotFound`, `Conflict` (`payment_not_capturable`, `authorization_expired`, …), `Refused`
    (`amount_exceeds_authorized`, `not_offered_by_provider`).
    """
    p: Json = {
        "payment_id": command.payment_id,
        "operation_id": new_id("cap"),
        "event_id": new_id("evt"),
        "final": command.final,
        "offers": offers_of(ports),
    }
    if command.amount is not None:
        p["amount"] = command.amount
    return await operate(ports, Request(command.merchant, "capture_begin_v1", p, "payment", command.idempotency))
