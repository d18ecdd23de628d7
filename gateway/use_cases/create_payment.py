"""Charge or reserve a shopper's card: one begin, one call to a PSP, one apply, one answer."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from gateway.domain.card import CardSecret
from gateway.domain.errors import Complaint, PayeraError, Refused
from gateway.domain.ids import new_id
from gateway.domain.threeds import ThreeDsProof, eci_fits
from gateway.tracing import use_case
from gateway.use_cases.operate import Answer, IdempotencyKey, Request, operate
from gateway.use_cases.ports import Json, Ports


@dataclass(frozen=True, slots=True)
class CreatePayment:
    """What the merchant asks for. `amount` is in minor units of `currency` (ISO 4217). One of `token`, `card`.

    `network_transaction_id`: the merchant initiates the payment on what the shopper agreed to in that transaction of
    the card network, at whatever PSP it was. `three_ds`: the proof that the shopper was authenticated elsewhere.
    """

    merchant: str
    amount: int
    currency: str
    token: str | None = None
    card: CardSecret | None = None
    capture_method: Literal["automatic", "manual"] = "automatic"
    reference: str | None = None
    description: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    network_transaction_id: str | None = None
    three_ds: ThreeDsProof | None = None
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
    if command.network_transaction_id is not None:
        p["network_transaction_id"] = command.network_transaction_id
    sealed: list[str] = []
    if command.card is None:
        p["token_id"] = command.token
    else:
        sealed.append(new_id("tok"))
        p["card"] = await ports.vault.seal_card(command.merchant, command.card, sealed[0], now)
    request = Request(command.merchant, "payment_begin_v1", p, "payment", command.idempotency)
    try:
        if command.three_ds is not None:
            sealed.append(command.payment_id)
            p["three_ds"] = await _sealed_proof(ports, command, command.three_ds, p, now)
        answer = await operate(ports, request)
    except PayeraError:
        # Refused before any payment existed: this token, and this cryptogram, will never be used.
        _forget(ports, sealed)
        raise
    if answer.replayed:
        _forget(ports, sealed)
    return answer


async def _sealed_proof(
    ports: Ports, command: CreatePayment, proof: ThreeDsProof, p: Json, at: datetime
) -> dict[str, Any]:
    """The proof as `payment_begin_v1` takes it. Raises `Refused` for an indicator that is not of the card's brand."""
    card = p.get("card")
    if card is None:
        token = await ports.store.call("token_get_v1", command.merchant, {"token_id": command.token})
        card = token["card"]
    if not eci_fits(card["brand"], proof.eci):
        what = f"is no indicator of an authentication at {card['brand']}"
        complaint = Complaint("three_ds.eci", what, "send the ECI that the authentication gave for this card")
        raise Refused("eci_not_of_brand", f"three_ds.eci {what}.", (complaint,))
    kept = {"version": proof.version, "eci": proof.eci, "ds_transaction_id": proof.ds_transaction_id}
    if proof.xid is not None:
        kept["xid"] = proof.xid
    return kept | ports.vault.seal_cavv(command.merchant, command.payment_id, proof.cavv, at)


def _forget(ports: Ports, sealed: list[str]) -> None:
    for name in sealed:
        ports.vault.forget_cvv(name)
