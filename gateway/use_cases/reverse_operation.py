"""Take back an approval that must not stand: another one won, the payment had ended, or a cancel was waiting."""

from dataclasses import dataclass

from gateway.domain.ids import new_id
from gateway.tracing import use_case
from gateway.use_cases.dispatch import apply_outcome, send_operation
from gateway.use_cases.ports import Json, Ports


@dataclass(frozen=True, slots=True)
class ReverseOperation:
    """`operation_id`: the surplus authorization; `captured` decides between refund and void."""

    merchant: str
    operation_id: str
    captured: bool


@use_case
async def reverse_operation(ports: Ports, command: ReverseOperation) -> None:
    """Void (uncaptured) or refund (captured) a surplus approval; the database allows it once."""
    began_s = ports.clock.monotonic_s()
    await ports.failpoints.reach("begin.before", command.merchant)
    begun: Json = await ports.store.call(
        "reversal_begin_v1",
        command.merchant,
        {
            "operation_id": new_id("ref" if command.captured else "void"),
            "of": command.operation_id,
            "at": ports.clock.now().isoformat(),
            **ports.timing.lease(),
        },
    )
    await ports.failpoints.reach("begin.after", command.merchant)
    if begun["result"] != "begun":
        return
    dispatch = begun["dispatch"]
    outcome = await send_operation(ports, command.merchant, dispatch, began_s)
    await apply_outcome(ports, command.merchant, dispatch, outcome, source="inline")
