"""From the outbox to the event stream: at least once, and the first time in order for each payment."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol

from gateway.use_cases.ports import Clock, Failpoints, Json, Store

_USE_OF_LEASE = 0.5
"""The part of a lease in which new messages may still be handed over: the rest is for their acknowledgement."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is handed over: the key decides the order, `traceparent` names the trace that the event came from."""

    key: str
    value: bytes
    traceparent: str | None = None


class EventStream(Protocol):
    """Where events go. `cluster` names the one that keeps them: another one has seen nothing yet."""

    cluster: str

    async def publish(self, messages: Sequence[Message]) -> list[bool]:
        """Hand over messages; True where it was acknowledged, False where nobody knows."""
        ...


class Encode(Protocol):
    """Turns an event into the bytes that consumers and merchants see."""

    def __call__(self, event: Json, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class RelayOutbox:
    """One round. `relay` names the process: leases are its own. `limit` is in events, `lease_s` in seconds."""

    relay: str
    limit: int = 1000
    lease_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Relayed:
    """What a round did: events claimed, and how many of them were acknowledged and marked."""

    claimed: int
    sent: int

    @property
    def complete(self) -> bool:
        """Whether everything that was claimed is now with the stream."""
        return self.sent == self.claimed


async def relay_outbox(
    store: Store, stream: EventStream, encode: Encode, clock: Clock, failpoints: Failpoints, command: RelayOutbox
) -> Relayed:
    """Claim whole runs of payments' events, publish them, and mark what was acknowledged.

    The runs go out side by side, each payment's events one after another: the next leaves only when the one before is
    acknowledged, so a lost message never lets a later one overtake it. What stays unmarked is claimed again. Nothing is
    handed over late in the lease, when another relay may already hold the payment. Raises what the ports raise.
    """
    latest_s = clock.monotonic_s() + command.lease_s * _USE_OF_LEASE
    rows = await store.system(
        "outbox_claim_v1",
        {"relay": command.relay, "limit": command.limit, "lease_ms": int(command.lease_s * 1000)},
    )
    if rows:
        await failpoints.reach("relay.before")
    waiting = [list(run) for _, run in groupby(sorted(rows, key=_place), key=lambda row: row["payment_id"])]
    sent: list[object] = []
    try:
        while waiting and clock.monotonic_s() < latest_s:
            heads = [run.pop(0) for run in waiting]
            answers = await stream.publish(
                [Message(row["payment_id"], encode(row["event"]), row.get("traceparent")) for row in heads]
            )
            sent += [row["id"] for row, acknowledged in zip(heads, answers, strict=True) if acknowledged]
            waiting = [run for run, acknowledged in zip(waiting, answers, strict=True) if acknowledged and run]
    finally:
        if sent:
            await failpoints.reach("relay.after")
            await store.system("outbox_sent_v1", {"relay": command.relay, "ids": sent, "cluster": stream.cluster})
    return Relayed(claimed=len(rows), sent=len(sent))


def _place(row: Json) -> tuple[str, int]:
    return row["payment_id"], row["sequence"]
