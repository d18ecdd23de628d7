"""Take back an approval that must not stand: surplus, or one that the merchant had asked to cancel meanwhile."""

from dataclasses import dataclass

from gateway.domain.ids import new_id
from gateway.use_cases.dispatch import apply_outcome, send_operation
from gateway.use_cases.ports import Json, Ports


@dataclass(frozen=True, slots=True)
class ReverseOperation:
    """`operation_id`: the approved authorization."""

    merchant: str
    operation_id: str


@dataclass(frozen=True, slots=True)
class VoidForCancel:
    """`payment_id`: a payment whose cancellation was recorded while its outcome was unknown."""

    merchant: str
    payment_id: str


async def reverse_operation(ports: Ports, command: ReverseOperation) -> None:
    """Void (uncaptured) or refund (captured) a surplus approval; the database chooses and allows it once."""
    await _begin_and_send(ports, command.merchant, "reversal_begin_v1", {"of": command.operation_id}, "void")


async def void_for_cancel(ports: Ports, command: VoidForCancel) -> None:
    """Release the authorization that came out of the unknown after the merchant had asked to cancel."""
    p = {"payment_id": command.payment_id, "event_id": new_id("evt"), "reason": "requested_by_customer"}
    await _begin_and_send(ports, command.merchant, "cancel_begin_v1", p, "void")


async def _begin_and_send(ports: Ports, merchant: str, function: str, p: Json, prefix: str) -> None:
    began_s = ports.clock.monotonic_s()
    p = p | {"operation_id": new_id(prefix), "at": ports.clock.now().isoformat(), **ports.timing.lease()}
    begun: Json = await ports.store.call(function, merchant, p)
    if begun["result"] != "begun":
        return
    dispatch = begun["dispatch"]
    outcome = await send_operation(ports, merchant, dispatch, began_s)
    await apply_outcome(ports, merchant, dispatch, outcome, source="inline")
