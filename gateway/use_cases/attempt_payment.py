"""The fallback attempt: the next provider of the frozen route, under the same rules as the first one."""

from dataclasses import dataclass

from gateway.domain.ids import new_id
from gateway.tracing import use_case
from gateway.use_cases.dispatch import apply_outcome, send_operation
from gateway.use_cases.ports import Json, Ports


@dataclass(frozen=True, slots=True)
class AttemptPayment:
    merchant: str
    payment_id: str


@use_case
async def attempt_payment(ports: Ports, command: AttemptPayment) -> None:
    """Begin, send once, write down. The database refuses while anything is live, after the last hop, after the end.

    A crash between begin and apply leaves a dispatched operation, which is resolved after its lease like any other.
    """
    began_s = ports.clock.monotonic_s()
    await ports.failpoints.reach("begin.before", command.merchant)
    begun: Json = await ports.store.call(
        "attempt_begin_v1",
        command.merchant,
        {
            "payment_id": command.payment_id,
            "operation_id": new_id("att"),
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
