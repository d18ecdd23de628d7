"""Release an authorization; or, while the attempt is not known yet, record that it shall be released."""

from dataclasses import dataclass

from gateway.domain.ids import new_id
from gateway.tracing import use_case
from gateway.use_cases.operate import Answer, IdempotencyKey, Request, operate
from gateway.use_cases.ports import Json, Ports


@dataclass(frozen=True, slots=True)
class CancelPayment:
    """`reason` is the merchant's own word, kept with the operation."""

    merchant: str
    payment_id: str
    reason: str | None = None
    idempotency: IdempotencyKey | None = None


@use_case
async def cancel_payment(ports: Ports, command: CancelPayment) -> Answer:
    """Void the authorization and answer with the payment's view: 201, or 202 while the void is not known or recorded.

    Raises `NotFound`, `Conflict` (`payment_not_cancelable`, `operation_in_progress`).
    """
    p: Json = {
        "payment_id": command.payment_id,
        "operation_id": new_id("void"),
        "event_id": new_id("evt"),
    }
    if command.reason is not None:
        p["reason"] = command.reason
    return await operate(ports, Request(command.merchant, "cancel_begin_v1", p, "payment", command.idempotency))
