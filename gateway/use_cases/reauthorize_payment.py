"""Reserve an amount again before the authorization runs out, or just after: the merchant asks, nobody is there."""

from dataclasses import dataclass

from gateway.domain.ids import new_id
from gateway.tracing import use_case
from gateway.use_cases.offers import offers_of
from gateway.use_cases.operate import Answer, IdempotencyKey, Request, operate
from gateway.use_cases.ports import Json, Ports


@dataclass(frozen=True, slots=True)
class ReauthorizePayment:
    """`amount` in minor units, None for all that is authorized and not captured."""

    merchant: str
    payment_id: str
    amount: int | None = None
    idempotency: IdempotencyKey | None = None


@use_case
async def reauthorize_payment(ports: Ports, command: ReauthorizePayment) -> Answer:
    """Authorize the stored card again at the same provider and answer with the payment's view: 201, or 202 while the
    result is not known. Declined, the view shows why in `decline`, and the authorization stands as before.

    Raises `NotFound`, `Conflict` (`payment_not_reauthorizable`, `operation_in_progress`), `Refused`
    (`amount_exceeds_payment`, `not_offered_by_provider`, `retry_not_allowed`).
    """
    p: Json = {
        "payment_id": command.payment_id,
        "operation_id": new_id("att"),
        "event_id": new_id("evt"),
        "offers": offers_of(ports),
    }
    if command.amount is not None:
        p["amount"] = command.amount
    return await operate(ports, Request(command.merchant, "reauthorize_begin_v1", p, "payment", command.idempotency))
