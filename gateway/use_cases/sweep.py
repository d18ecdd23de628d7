"""Recovery: what a crash left behind is found, workflows are woken, and card codes past their time are destroyed."""

import asyncio
from dataclasses import dataclass
from typing import Protocol

from gateway import tracing
from gateway.use_cases.ports import Clock, Json, Store, Workflows

_USE_OF_LEASE = 0.5


@dataclass(frozen=True, slots=True)
class WakeOrders:
    """One round of orders. `relay` names the process; `lease_s` is how long a claimed order stays with it, seconds."""

    relay: str
    limit: int = 100
    lease_s: float = 10.0
    at_once: int = 16


@dataclass(frozen=True, slots=True)
class Woken:
    """What a round of orders did. `errors`: one text per order that was not acknowledged; it will be claimed again."""

    claimed: int
    woken: int
    errors: tuple[str, ...] = ()


class CvvKeyFolder(Protocol):
    """Where the keys of card codes lie, outside the database."""

    def destroy(self, token_id: str) -> None: ...

    def purge(self) -> int:
        """Delete every key past its lifetime; how many."""
        ...


async def sweep(store: Store, clock: Clock, limit: int = 100) -> int:
    """Find attempts that stayed `dispatched` past their lease: their sender died between begin and apply.

    They become `unknown` and their payments get an order, in one commit. Returns how many. Safe to run twice at once.
    """
    answer: Json = await store.system("recovery_sweep_v1", {"limit": limit, "at": clock.now().isoformat()})
    return int(answer["swept"])


async def sweep_expiries(store: Store, clock: Clock, limit: int = 100) -> int:
    """Have authorizations released that ran out and of which no PSP told; how many were ordered. Safe to run twice."""
    answer: Json = await store.system("expiry_sweep_v1", {"limit": limit, "at": clock.now().isoformat()})
    return int(answer["ordered"])


async def wake_orders(store: Store, workflows: Workflows, command: WakeOrders) -> Woken:
    """Claim orders and wake each payment's workflow; an order is done when the server acknowledged, not before.

    One order that cannot be delivered never holds up the others. Raises what the store raises.
    """
    orders: list[Json] = await store.system(
        "order_claim_v1",
        {"relay": command.relay, "limit": command.limit, "lease_ms": int(command.lease_s * 1000)},
    )
    if not orders:
        return Woken(0, 0)
    gate = asyncio.Semaphore(command.at_once)

    async def wake(order: Json) -> str | None:
        async with gate:
            try:
                with tracing.continued(order.get("traceparent")):
                    async with asyncio.timeout(command.lease_s * _USE_OF_LEASE):
                        await workflows.wake(order["merchant"], order["payment_id"])
            except Exception as error:
                # Whatever it is, the order stays and is claimed again: it is this order's problem, not the next one's.
                return f"{order['payment_id']}: {type(error).__name__}: {error}"
            return None

    errors = await asyncio.gather(*(wake(order) for order in orders))
    done = [order["id"] for order, error in zip(orders, errors, strict=True) if error is None]
    if done:
        await store.system("order_done_v1", {"relay": command.relay, "ids": done})
    return Woken(len(orders), len(done), tuple(error for error in errors if error is not None))


async def purge_cvv(store: Store, keys: CvvKeyFolder, clock: Clock) -> int:
    """Destroy card codes past 15 minutes: rows, and the keys that could open a copy of a row (PCI DSS 3.3.1).

    The keys go even when the database is away. Returns how many keys and rows. Raises what the store raises.
    """
    destroyed = keys.purge()
    tokens: list[str] = await store.system("cvv_purge_v1", {"at": clock.now().isoformat()})
    for token_id in tokens:
        keys.destroy(token_id)
    return destroyed + len(tokens)
