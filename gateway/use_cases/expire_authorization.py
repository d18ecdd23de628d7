"""Release what an authorization held that ran out, where the PSP did not say so."""

from dataclasses import dataclass

from gateway.domain.ids import new_id
from gateway.tracing import use_case
from gateway.use_cases.ports import Ports


@dataclass(frozen=True, slots=True)
class ExpireAuthorization:
    merchant: str
    payment_id: str


@use_case
async def expire_authorization(ports: Ports, command: ExpireAuthorization) -> None:
    """The payment ends canceled, or captured with what was. Nothing is sent: the PSP let go of it at its own time.

    The database does it only when it is due and nothing of the payment is undecided. Raises what the store raises.
    """
    await ports.store.call(
        "authorization_expire_v1",
        command.merchant,
        {
            "payment_id": command.payment_id,
            "at": ports.clock.now().isoformat(),
            "event_ids": [new_id("evt")],
            "order_id": new_id("ord"),
        },
    )
