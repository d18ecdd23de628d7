"""Outbox and orders: leases per payment, one order of events whatever relays do, orders never lost."""

import asyncio
from typing import Any

from gateway.adapters import postgres
from gateway.domain.ids import new_id
from tests.parts import Database
from tests.sql.world import UNKNOWN, World, approved, at, declined

LEASE_MS = 60_000


async def claim(store: postgres.Database, relay: str, limit: int = 100, lease_ms: int = LEASE_MS) -> list[Any]:
    return list(await store.system("outbox_claim_v1", {"relay": relay, "limit": limit, "lease_ms": lease_ms}))


async def sent(store: postgres.Database, relay: str, rows: list[Any], cluster: str = "c1") -> None:
    await store.system("outbox_sent_v1", {"relay": relay, "ids": [row["id"] for row in rows], "cluster": cluster})


async def drain(store: postgres.Database) -> None:
    """Everything that other tests of this module left unsent."""
    while rows := await claim(store, "drain", 1000):
        await sent(store, "drain", rows)


async def test_whole_runs_in_sequence(world: World) -> None:
    await drain(world.database)
    payment_id = await world.paid()
    begun = await world.operation("refund", payment_id)
    await world.apply(begun["dispatch"], approved())
    rows = await claim(world.database, "a", limit=1)
    assert [(row["payment_id"], row["sequence"], row["event"]["type"]) for row in rows] == [
        (payment_id, 1, "payment.created"),
        (payment_id, 2, "payment.captured"),
        (payment_id, 3, "refund.created"),
        (payment_id, 4, "refund.succeeded"),
    ]
    event = rows[0]["event"]
    assert list(event) == [
        "specversion",
        "id",
        "source",
        "type",
        "subject",
        "time",
        "datacontenttype",
        "merchant",
        "sequence",
        "data",
    ]
    assert (event["merchant"], event["subject"], event["sequence"]) == (world.merchant, payment_id, 1)
    assert await world.call("event_get_v1", event_id=event["id"]) == event
    await sent(world.database, "a", rows)
    assert await claim(world.database, "b") == []


async def test_a_leased_payment_is_left_alone(world: World) -> None:
    await drain(world.database)
    payment_id = await world.paid()
    first = await claim(world.database, "a")
    assert len(first) == 2
    begun = await world.operation("refund", payment_id)
    assert await claim(world.database, "b") == []  # the third event waits for the first two
    await sent(world.database, "a", first[:1])
    rest = await claim(world.database, "b")
    assert [row["sequence"] for row in rest] == [2, 3]
    await sent(world.database, "b", rest)
    await world.apply(begun["dispatch"], approved())
    assert [row["sequence"] for row in await claim(world.database, "a", lease_ms=0)] == [4]
    # A relay that died keeps nothing beyond its lease.
    last = await claim(world.database, "b")
    assert [row["sequence"] for row in last] == [4]
    await sent(world.database, "b", last)


async def test_two_relays_never_reorder(world: World, database: Database) -> None:
    """Goal: per payment 1..n in order, each once. Method: two relays race while payments are made."""
    await drain(world.database)
    log: list[tuple[str, int]] = []
    payments = 60
    done = asyncio.Event()

    async def relay(name: str) -> None:
        async with postgres.Database(database.app, database.system) as store:
            while True:
                rows = await claim(store, name, limit=7)
                for row in rows:
                    log.append((row["payment_id"], row["sequence"]))
                    await asyncio.sleep(0)
                if rows:
                    await sent(store, name, rows)
                elif done.is_set():
                    return

    async def produce() -> None:
        for number in range(payments):
            payment_id = await world.paid()
            if number % 3 == 0:
                begun = await world.operation("refund", payment_id)
                await world.apply(begun["dispatch"], declined())
        done.set()

    await asyncio.gather(relay("a"), relay("b"), produce())
    seen: dict[str, list[int]] = {}
    for payment_id, sequence in log:
        seen.setdefault(payment_id, []).append(sequence)
    assert len(seen) == payments
    assert all(sequences == list(range(1, len(sequences) + 1)) for sequences in seen.values())


async def test_another_cluster_gets_what_it_has_not_seen(world: World) -> None:
    await drain(world.database)
    await world.paid()
    rows = await claim(world.database, "a")
    await sent(world.database, "a", rows, cluster="old")
    assert (await world.database.system("outbox_lag_v1", {}))["unsent"] == 0
    assert (await world.database.system("outbox_republish_v1", {"cluster": "old"}))["unsent"] > 0  # what "c1" had
    await drain(world.database)
    # What other tests of this database left leased stays unsent beside it.
    leased = (await world.database.system("outbox_lag_v1", {}))["unsent"]
    again = await world.database.system("outbox_republish_v1", {"cluster": "new"})
    assert again["unsent"] >= 2
    lag = await world.database.system("outbox_lag_v1", {})
    assert lag["unsent"] == leased + again["unsent"]
    assert lag["oldest_s"] >= 0
    while rows := await claim(world.database, "a", 1000):
        await sent(world.database, "a", rows, cluster="new")
    assert (await world.database.system("outbox_republish_v1", {"cluster": "new"}))["unsent"] == 0


async def test_orders_are_leased_and_one_waits_per_payment(world: World) -> None:
    begun = await world.begin()
    await world.apply(begun["dispatch"], UNKNOWN)
    await world.call(
        "webhook_receive_v1",
        account_id=world.accounts["stripe"],
        facts=[{"event_id": new_id("psp"), "event_type": "x", "operation_id": begun["dispatch"]["operation_id"]}],
        at=at(2),
        order_id=new_id("ord"),
    )
    p = {"relay": "a", "limit": 1000, "lease_ms": 0}
    mine = [o for o in await world.database.system("order_claim_v1", p) if o["merchant"] == world.merchant]
    assert [o["payment_id"] for o in mine] == [begun["payment"]["id"]]
    # What happens while an order is being carried out is a new order: its reader may have looked before.
    await world.operation("cancel", begun["payment"]["id"])
    again = [o for o in await world.database.system("order_claim_v1", p) if o["merchant"] == world.merchant]
    assert len(again) == 2
    done = await world.database.system("order_done_v1", {"ids": [o["id"] for o in again]})
    assert done == {"done": 2}
    assert await world.orders() == []


async def test_notifications_wake_the_relay(world: World) -> None:
    events, orders = asyncio.Event(), asyncio.Event()
    channels = {"payera_outbox": events.set, "payera_order": orders.set}
    async with world.database.listen(channels) as lost:
        begun = await world.begin()
        await asyncio.wait_for(events.wait(), 10)
        assert not orders.is_set()
        await world.apply(begun["dispatch"], UNKNOWN)
        await asyncio.wait_for(orders.wait(), 10)
        assert not lost.is_set()
