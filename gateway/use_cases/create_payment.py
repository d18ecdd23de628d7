"""Charge or reserve a shopper's card: one begin, one call to a PSP, one apply, one answer."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from gateway.domain.card import CardSecret
from gateway.domain.errors import PayeraError
from gateway.domain.ids import new_id
from gateway.tracing import use_case
from gateway.use_cases.operate import Answer, IdempotencyKey, Request, operate
from gateway.use_cases.ports import Json, Ports


@dataclass(frozen=True, slots=True)
class CreatePayment:
    """What the merchant asks for. `amount` is in minor units of `currency` (ISO 4217). One of `token`, `card`."""

    merchant: str
    amount: int
    currency: str
    token: str | None = None
    card: CardSecret | None = None
    capture_method: Literal["automatic", "manual"] = "automatic"
    reference: str | None = None
    description: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    idempotency: IdempotencyKey | None = None
    payment_id: str = field(default_factory=lambda: new_id("pay"))


@use_case
async def create_payment(ports: Ports, command: CreatePayment) -> Answer:
    """Create the payment and answer with its view: 201 at rest, 202 while `processing`.

    Raises `InvalidCard`, `Refused` (`no_route`, …), `NotFound` (`token_not_found`), `IdempotencyKeyReused`, `Conflict`.
    """
    now = ports.clock.now()
    p: Json = {
        "payment_id": command.payment_id,
        "operation_id": new_id("att"),
        "event_id": new_id("evt"),
        "amount": command.amount,
        "currency": command.currency,
        "capture_method": command.capture_method,
        "reference": command.reference,
        "description": command.description,
        "metadata": command.metadata,
        "cascade_until": (now + timedelta(seconds=ports.timing.cascade_window_s)).isoformat(),
    }
    request = Request(command.merchant, "payment_begin_v1", p, "payment", command.idempotency)
    if command.card is None:
        p["token_id"] = command.token
        return await operate(ports, request)
    token_id = new_id("tok")
    p["card"] = await ports.vault.seal_card(command.merchant, command.card, token_id, now)
    try:
        answer = await operate(ports, request)
    except PayeraError:
        # Refused before any payment existed: this token will never be used.
        ports.vault.forget_cvv(token_id)
        raise
    if answer.replayed:
        ports.vault.forget_cvv(token_id)
    return answer
