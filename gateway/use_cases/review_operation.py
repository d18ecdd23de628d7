"""Hand an operation to a person: no proof of its outcome, and none to be expected."""

from dataclasses import dataclass

from gateway.domain.ids import new_id
from gateway.tracing import use_case
from gateway.use_cases.ports import Json, Ports


@dataclass(frozen=True, slots=True)
class ReviewOperation:
    """`reason` is a word of `resolution`: no_proof, pending_too_long, action_not_completed, reversal_declined, …"""

    merchant: str
    operation_id: str
    reason: str


@use_case
async def review_operation(ports: Ports, command: ReviewOperation) -> None:
    """Claim, so that nobody is sending or looking; then the operation is `review`, the payment `needs_review`."""
    claimed: Json = await ports.store.call(
        "operation_claim_v1",
        command.merchant,
        {"operation_id": command.operation_id, "at": ports.clock.now().isoformat(), **ports.timing.lease()},
    )
    if claimed["result"] != "claimed":
        return
    await ports.store.call(
        "operation_review_v1",
        command.merchant,
        {
            "operation_id": command.operation_id,
            "epoch": claimed["dispatch"]["epoch"],
            "reason": command.reason,
            "at": ports.clock.now().isoformat(),
            "event_ids": [new_id("evt") for _ in range(4)],
        },
    )
