"""Exchange a card for a token: the last time that anybody outside the vault sees its number."""

from dataclasses import dataclass
from typing import Any

from gateway.domain.card import CardSecret
from gateway.domain.errors import PayeraError
from gateway.domain.ids import new_id
from gateway.tracing import use_case
from gateway.use_cases.ports import Ports


@dataclass(frozen=True, slots=True)
class CreateToken:
    """The card as its owner typed it. A CVV waits 15 minutes at most for a payment."""

    merchant: str
    card: CardSecret


@use_case
async def create_token(ports: Ports, command: CreateToken) -> Any:
    """Store the card and return the token's view. Raises `InvalidCard`."""
    now = ports.clock.now()
    token_id = new_id("tok")
    sealed = await ports.vault.seal_card(command.merchant, command.card, token_id, now)
    try:
        return await ports.store.call("token_create_v1", command.merchant, sealed | {"at": now.isoformat()})
    except PayeraError:
        ports.vault.forget_cvv(token_id)
        raise
