"""What is forgotten after a while, and what stays however old it is."""

from datetime import datetime, timedelta
from typing import Any

import asyncpg

from gateway.adapters import postgres
from gateway.domain.ids import new_id
from gateway.use_cases.housekeeping import Keep, tidy
from tests.parts import Database
from tests.sql.world import NOON, UNKNOWN, World, approved, at, declined
from tests.unit.fakes import FakeClock

DAY = 86_400
KEEP = Keep(limit=2)


class At(FakeClock):
    def __init__(self, now: datetime) -> None:
        super().__init__()
        self._now = now

    def now(self) -> datetime:
        return self._now


PURGES = {
    "idempotency": "idempotency_purge_v1",
    "notification": "notification_purge_v1",
    "delivery": "delivery_purge_v1",
}


async def purge(world: World, what: str, before: str, limit: int = 1000) -> int:
    return int((await world.database.system(PURGES[what], {"before": before, "limit": limit}))["purged"])


def key(name: str) -> dict[str, str]:
    return {"scope": "POST /v1/payments", "key": name, "fingerprint": "f"}


async def answered(world: World, name: str, outcome: dict[str, Any], when: str) -> Any:
    """A payment with an idempotency key, begun at `when` and answered with `outcome`."""
    begun = await world.begin(idempotency=key(name), at=when)
    answers = {"scope": key(name)["scope"], "key": name, "status": 201}
    await world.apply(begun["dispatch"], outcome, answers=answers, at=when)
    return begun


async def state_of(world: World, name: str) -> str | None:
    row = await world.call("idempotency_get_v1", scope=key(name)["scope"], key=name)
    return None if row is None else row["state"]


async def test_answered_keys_are_forgotten_in_small_batches(world: World) -> None:
    for number in range(5):
        await answered(world, f"old {number}", approved(), at(number))
    await answered(world, "young", declined(), at(100))
    purged = [await purge(world, "idempotency", at(50), limit=2) for _ in range(4)]
    assert purged == [2, 2, 1, 0]
    assert [await state_of(world, f"old {number}") for number in range(5)] == [None] * 5
    assert await state_of(world, "young") == "frozen"
    # A forgotten key is free: it begins a new payment.
    again = await world.begin(idempotency=key("old 0"), at=at(60))
    assert again["result"] == "begun"
    assert await purge(world, "idempotency", at(9 * DAY)) == 1  # leaves nothing to the next test


async def test_a_key_whose_answer_is_still_to_come_stays(world: World) -> None:
    begun = await world.begin(idempotency=key("in flight"), at=at())
    unknown = await answered(world, "unknown", UNKNOWN, at())
    assert (await state_of(world, "in flight"), await state_of(world, "unknown")) == ("in_flight", "open")
    assert await purge(world, "idempotency", at(2 * DAY)) == 0
    # What resolves it freezes the answer; then its time is over.
    claimed = await world.claim(unknown["dispatch"]["operation_id"], at=at(30))
    if claimed["result"] == "leased":  # the inline sender's lease is real time
        claimed = {"dispatch": unknown["dispatch"]}
    await world.apply(claimed["dispatch"], approved(), source="read", at=at(40))
    assert await state_of(world, "unknown") == "frozen"
    assert await purge(world, "idempotency", at(2 * DAY)) == 1
    assert await state_of(world, "in flight") == "in_flight"
    await world.apply(begun["dispatch"], declined(), at=at(50))
    assert await purge(world, "idempotency", at(2 * DAY)) == 1


async def test_a_refund_that_is_pending_keeps_its_key(world: World) -> None:
    payment_id = await world.paid()
    refund_key = {"scope": "POST /v1/refunds", "key": "r", "fingerprint": "f"}
    begun = await world.operation("refund", payment_id, idempotency=refund_key)
    answers = {"scope": refund_key["scope"], "key": "r", "status": 201}
    await world.apply(begun["dispatch"], {"kind": "pending", "provider_reference": new_id("psp")}, answers=answers)
    assert await purge(world, "idempotency", at(9 * DAY)) == 0
    row = await world.call("idempotency_get_v1", scope=refund_key["scope"], key="r")
    assert row["state"] == "open"


async def notify(world: World, **fact: Any) -> None:
    await world.call(
        "webhook_receive_v1",
        account_id=world.accounts["stripe"],
        facts=[{"event_id": new_id("psp"), "event_type": "x"} | fact],
        at=at(5),
        order_id=new_id("ord"),
    )


async def inbox(world: World, store_dsn: str) -> int:
    connection = await asyncpg.connect(store_dsn)
    try:
        count = await connection.fetchval("select count(*) from core.webhook_inbox where merchant = $1", world.merchant)
    finally:
        await connection.close()
    return int(count)


async def test_notifications_go_when_nothing_waits_for_them(world: World, database: Database) -> None:
    done = await world.begin()
    await world.apply(done["dispatch"], approved())
    await notify(world, operation_id=done["dispatch"]["operation_id"])
    live = await world.begin()
    await notify(world, operation_id=live["dispatch"]["operation_id"])
    await notify(world, provider_reference="nobody's yet")
    assert await inbox(world, database.superuser) == 3
    assert await purge(world, "notification", at(5)) == 0  # not older
    # The live payment keeps its own, and the one that may still turn out to be about it.
    assert await purge(world, "notification", at(40 * DAY)) == 1
    await world.apply(live["dispatch"], approved())
    assert await purge(world, "notification", at(40 * DAY)) == 2
    assert await inbox(world, database.superuser) == 0


async def plan(world: World, event_ids: list[str], when: str) -> int:
    p = {"events": [{"id": event_id} for event_id in event_ids], "at": when}
    return int((await world.database.system("delivery_plan_v1", p))["planned"])


async def test_deliveries_go_once_they_ended_and_never_come_back(world: World) -> None:
    endpoint = await world.call(
        "webhook_endpoint_create_v1",
        endpoint_id=new_id("we"),
        url="http://127.0.0.1:1/",
        enabled_events=["*"],
        secret_ciphertext="-",
        key_id="-",
        at=at(),
    )
    payment_id = await world.paid()
    listed = await world.call("event_list_v1", payment_id=payment_id, limit=10)
    events = [event["id"] for event in listed["data"]]
    assert await plan(world, events, at(2)) == 2
    p = {"dispatcher": "d", "limit": 10, "lease_ms": 60_000, "at": at(2)}
    rows = [row for row in await world.database.system("delivery_claim_v1", p) if row["endpoint_id"] == endpoint["id"]]
    result = {"delivery_id": rows[0]["id"], "ok": True, "status_code": 200, "dead": False, "disable_endpoint": False}
    await world.database.system("delivery_results_v1", {"dispatcher": "d", "results": [result | {"at": at(3)}]})
    assert await purge(world, "delivery", at(2)) == 0
    assert await purge(world, "delivery", at(DAY)) == 1
    left = await world.call("delivery_list_v1", limit=10)
    assert [row["status"] for row in left["data"]] == ["pending"]
    # A new Kafka cluster sees every event again: nothing is delivered a second time, and the young still are.
    assert await plan(world, events, at(2 * DAY)) == 0
    begun = await world.begin(at=at(2 * DAY))
    young = await world.call("event_list_v1", payment_id=begun["payment"]["id"], limit=10)
    assert await plan(world, [event["id"] for event in young["data"]], at(2 * DAY)) == 1


async def sent(store: postgres.Database, cluster: str, limit: int = 1000) -> list[int]:
    """Everything unsent goes to that cluster: the positions."""
    rows = await store.system("outbox_claim_v1", {"relay": "a", "limit": limit, "lease_ms": 60_000})
    ids = [row["id"] for row in rows]
    await store.system("outbox_sent_v1", {"relay": "a", "ids": ids, "cluster": cluster})
    return ids


async def receipts(store: postgres.Database, older_than_s: float = 0, forget_s: float = 9e6, limit: int = 1000) -> Any:
    return await store.system("receipt_purge_v1", {"older_than_s": older_than_s, "forget_s": forget_s, "limit": limit})


async def republish(store: postgres.Database, cluster: str) -> int:
    return int((await store.system("outbox_republish_v1", {"cluster": cluster}))["unsent"])


async def test_receipts_become_a_watermark(world: World) -> None:
    store = world.database
    await sent(store, "c1")
    assert await republish(store, "c1") == 0
    assert (await receipts(store, older_than_s=3600))["purged"] == 0  # too young
    before = await receipts(store)
    await world.paid()
    ids = await sent(store, "c1")
    held = await world.begin()  # an event that waits: the watermark stops before it
    await world.paid()
    rows = await store.system("outbox_claim_v1", {"relay": "a", "limit": 1000, "lease_ms": 60_000})
    later = [row["id"] for row in rows if row["payment_id"] != held["payment"]["id"]]
    await store.system("outbox_sent_v1", {"relay": "a", "ids": later, "cluster": "c1"})
    done = await receipts(store, limit=1)
    assert done["purged"] == 1  # a batch at a time
    done = await receipts(store)
    assert done["purged"] == 1
    assert done["clusters"]["c1"] >= max(ids) > before["clusters"]["c1"]
    assert done["clusters"]["c1"] < min(later)
    assert await republish(store, "c1") == 0
    assert (await receipts(store))["purged"] == 0
    await sent(store, "c1")
    assert (await receipts(store))["purged"] == 3
    assert await republish(store, "c1") == 0
    # A cluster that has seen nothing gets everything, watermark or not.
    everything = await republish(store, "c2")
    assert everything >= 5
    assert len(await sent(store, "c2", limit=100_000)) == everything
    # What only the other one has seen is sent again to the first; nothing more.
    await world.paid()
    await sent(store, "c2")
    assert await republish(store, "c1") == 2
    await sent(store, "c1")


async def test_a_cluster_that_is_gone_is_forgotten(world: World) -> None:
    store = world.database
    await world.paid()
    await republish(store, "gone")
    await sent(store, "gone", limit=100_000)
    purged = 0
    for _ in range(20):
        done = await receipts(store, older_than_s=3600, forget_s=0, limit=1000)
        purged += done["purged"]
        if "gone" not in done["clusters"]:
            break
    assert "gone" not in done["clusters"]
    assert purged >= 2
    assert await republish(store, "gone") >= 2  # it would get everything again
    await sent(store, "c1", limit=100_000)


async def test_one_round_of_everything(world: World) -> None:
    """The use case: ages counted back from business time, a batch of each."""
    for number in range(3):
        await answered(world, f"round {number}", approved(), at(number))
    early, late = At(NOON + timedelta(seconds=DAY - 60)), At(NOON + timedelta(seconds=DAY + 60))
    assert (await tidy(world.database, early, KEEP))["idempotency"] == 0
    assert (await tidy(world.database, late, KEEP))["idempotency"] == 2
    assert (await tidy(world.database, late, KEEP))["idempotency"] == 1


async def test_what_is_open_is_counted(world: World) -> None:
    before = await world.database.system("figures_v1", {"at": at(), "most": 1000})
    begun = await world.begin()
    await world.apply(begun["dispatch"], UNKNOWN)
    await notify(world, provider_reference="of nobody")
    after = await world.database.system("figures_v1", {"at": at(), "most": 1000})

    def unknown(figures: Any) -> int:
        mine = [row for row in figures["live"] if (row["provider"], row["status"]) == ("stripe", "unknown")]
        return sum(row["count"] for row in mine if row["kind"] == "authorize")

    assert unknown(after) == unknown(before) + 1
    assert after["orders"]["waiting"] == before["orders"]["waiting"] + 1
    assert after["notifications_unmatched"] == before["notifications_unmatched"] + 1
    assert set(after["deliveries"]) == {"pending", "due", "dead", "oldest_s"}
    assert (await world.database.system("figures_v1", {"at": at(), "most": 0}))["live"] == []
