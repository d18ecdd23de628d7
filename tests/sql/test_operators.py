"""What an operator looks at: the timeline of a payment, alerts, and what is stuck."""

from typing import Any

import asyncpg
import orjson
import pytest

from gateway.domain.errors import Conflict, NotFound
from gateway.domain.ids import new_id
from tests.parts import Database
from tests.sql.test_reviews import resolve, to_review
from tests.sql.world import EXPIRED, UNKNOWN, World, approved, at, declined, new_merchant

LIMITS = {"outbox_s": 3600, "orders_s": 3600, "stuck_s": 3600}


async def watch(world: World, **limits: float) -> Any:
    return await world.database.system("alert_watch_v1", {"at": at(), "after": 0, **LIMITS, **limits})


async def alerts(world: World, kind: str, **filters: Any) -> list[Any]:
    """Alerts of a kind about this merchant's things (or about nobody's)."""
    listed = await world.database.system("alert_list_v1", {"kind": kind, "limit": 100} | filters)
    return [alert for alert in listed["data"] if alert["merchant"] in (None, world.merchant)]


async def endpoint(world: World) -> str:
    made = await world.call(
        "webhook_endpoint_create_v1",
        endpoint_id=new_id("we"),
        url="https://x",
        enabled_events=["*"],
        secret_ciphertext="s",
        key_id="k",
        at=at(),
    )
    return str(made["id"])


async def delivered(world: World, *, ok: bool, **fields: Any) -> None:
    """Every delivery that is due is tried once, with this result."""
    claimed = await world.database.system(
        "delivery_claim_v1", {"dispatcher": "d", "limit": 100, "lease_ms": 60_000, "at": at(1)}
    )
    results = [
        {"delivery_id": row["id"], "ok": ok, "dead": False, "disable_endpoint": False, "at": at(2)} | fields
        for row in claimed
    ]
    await world.database.system("delivery_results_v1", {"dispatcher": "d", "results": results})


async def plan_deliveries(world: World, payment_id: str) -> None:
    events = (await world.call("event_list_v1", payment_id=payment_id, limit=100))["data"]
    await world.database.system("delivery_plan_v1", {"events": [{"id": e["id"]} for e in events], "at": at()})


# Timeline ---------------------------------------------------------------------------------------------------------


async def test_the_timeline_tells_a_payments_story_in_order(world: World) -> None:
    begun = await world.begin(idempotency={"scope": "POST /v1/payments", "key": "secret-key", "fingerprint": "f"})
    payment_id, operation_id = begun["payment"]["id"], begun["dispatch"]["operation_id"]
    await world.apply(begun["dispatch"], UNKNOWN)
    await world.orders()
    await to_review(world, operation_id)
    await resolve(world, operation_id, "approved", provider_reference="psp_1")
    refund = await world.operation("refund", payment_id, amount=1000, at=at(5000))
    await world.call(
        "webhook_receive_v1",
        account_id=world.accounts["stripe"],
        facts=[{"event_id": "e1", "event_type": "refund.updated", "operation_id": refund["dispatch"]["operation_id"]}],
        at=at(5001),
        order_id=new_id("ord"),
    )
    await world.apply(refund["dispatch"], approved(1000), at=at(5002))
    await endpoint(world)
    story = await world.call("payment_timeline_v1", payment_id=payment_id, operator=True)
    assert (story["object"], story["payment"]) == ("timeline", payment_id)
    told = [(entry["source"], entry["what"]) for entry in story["data"] if entry["source"] != "workflow"]
    assert told == [
        ("api", "POST /v1/payments"),
        ("gateway", "authorize.begun"),
        ("event", "payment.created"),
        ("gateway", "authorize.unknown"),
        ("gateway", "authorize.review"),
        ("event", "payment.needs_review"),
        ("review", "opened"),
        ("operator", "review.approved"),
        ("gateway", "authorize.approved"),
        ("ledger", "capture"),
        ("event", "payment.captured"),
        ("event", "payment.review_resolved"),
        ("review", "resolved"),
        ("api", "POST /v1/refunds"),
        ("gateway", "refund.begun"),
        ("event", "refund.created"),
        ("psp", "refund.updated"),
        ("gateway", "refund.approved"),
        ("ledger", "refund"),
        ("event", "refund.succeeded"),
    ]
    assert [entry["what"] for entry in story["data"] if entry["source"] == "workflow"] == ["ordered", "woken"]
    text = str(story)
    for secret in ("secret-key", "c2VhbGVk", "Y3Z2", "424242"):
        assert secret not in text
    by_what = {(entry["source"], entry["what"]): entry for entry in story["data"]}
    assert by_what["api", "POST /v1/payments"]["details"] == {
        "idempotency_key": True,
        "state": "frozen",
        "status": 201,
    }
    assert by_what["operator", "review.approved"]["details"] == {
        "operator": "ada",
        "result": "done",
        "why": "seen in the PSP's dashboard",
    }
    assert by_what["gateway", "authorize.unknown"]["at"] == "2026-11-22T12:00:01.000Z"
    assert by_what["gateway", "authorize.unknown"]["details"] == {
        "source": "inline",
        "epoch": 1,
        "cause": "timeout",
        "provider": "stripe",
    }
    # A merchant's own is the same without what operators did.
    mine = await world.call("payment_timeline_v1", payment_id=payment_id)
    assert mine["data"] == [entry for entry in story["data"] if entry["source"] != "operator"]
    other = await new_merchant(world.database)
    with pytest.raises(NotFound, match="payment_not_found"):
        await other.call("payment_timeline_v1", payment_id=payment_id)


async def test_the_timeline_shows_every_try_to_tell_the_merchant(world: World) -> None:
    await endpoint(world)
    payment_id = await world.paid()
    await plan_deliveries(world, payment_id)
    await delivered(world, ok=False, status_code=500, error="http 500", next_at=at(1))
    await delivered(world, ok=True, status_code=204)
    story = await world.call("payment_timeline_v1", payment_id=payment_id)
    tries = [
        (entry["what"], entry["details"]["ok"], entry["details"]["status_code"], entry["details"].get("error"))
        for entry in story["data"]
        if entry["source"] == "webhook"
    ]
    assert sorted(tries, key=str) == [
        ("payment.captured", False, 500, "http 500"),
        ("payment.captured", True, 204, None),
        ("payment.created", False, 500, "http 500"),
        ("payment.created", True, 204, None),
    ]


async def test_what_is_found_again_and_again_only_counts(world: World) -> None:
    begun = await world.begin()
    await world.apply(begun["dispatch"], UNKNOWN)
    operation_id = begun["dispatch"]["operation_id"]
    for look in range(3):
        claimed = (await world.claim(operation_id))["dispatch"]
        await world.apply(claimed, {"kind": "unknown", "cause": "server_error"}, source="read", at=at(60 + look))
    claimed = (await world.claim(operation_id))["dispatch"]
    await world.apply(claimed, {"kind": "unknown", "cause": "in_progress", "absent": True}, source="read", at=at(90))
    story = await world.call("payment_timeline_v1", payment_id=begun["payment"]["id"])
    learned = [entry for entry in story["data"] if entry["what"] == "authorize.unknown"]
    assert [entry["details"] | {"at": entry["at"]} for entry in learned] == [
        {"at": "2026-11-22T12:00:01.000Z", "source": "inline", "epoch": 1, "cause": "timeout", "provider": "stripe"},
        {
            "at": "2026-11-22T12:01:00.000Z",
            "last_at": "2026-11-22T12:01:02.000Z",
            "times": 3,
            "source": "read",
            "epoch": 2,
            "cause": "server_error",
            "provider": "stripe",
        },
        {
            "at": "2026-11-22T12:01:30.000Z",
            "source": "read",
            "epoch": 5,
            "cause": "in_progress",
            "absent": True,
            "provider": "stripe",
        },
    ]


async def test_the_history_of_an_operation_is_bounded(database: Database) -> None:
    connection = await asyncpg.connect(database.superuser)
    history = await connection.fetchval(
        """
        with recursive grown (n, history) as (
            select 0, '[]'::jsonb
            union all
            select n + 1, core.history_v1(history, jsonb_build_object('at', n, 'cause', n % 2)) from grown where n < 200
        )
        select history from grown where n = 200
        """
    )
    await connection.close()
    entries = orjson.loads(history)
    assert len(entries) == 50
    assert entries[-1] == {"at": 199, "cause": 1}


# Alerts -----------------------------------------------------------------------------------------------------------


async def test_a_circuit_that_opens_is_told_and_cleared_when_it_closes(world: World) -> None:
    for _ in range(5):
        begun = await world.begin()
        await world.apply(begun["dispatch"], UNKNOWN)
    [alert] = await alerts(world, "circuit_open", status="open")
    assert alert["subject"] == world.accounts["stripe"]
    assert alert["details"]["failures"] == 5
    assert alert["times"] == 1
    # Half open: one more failure opens it again, and is the same alert once more.
    begun = await world.begin(at=at(600), cascade_until=at(700))
    await world.apply(begun["dispatch"], UNKNOWN, at=at(601))
    [alert] = await alerts(world, "circuit_open", status="open")
    assert alert["times"] == 2
    begun = await world.begin(at=at(1200), cascade_until=at(1300))
    await world.apply(begun["dispatch"], approved(), at=at(1201))
    [alert] = await alerts(world, "circuit_open")
    assert (alert["status"], alert["closed_by"]) == ("closed", None)


async def test_an_endpoint_that_is_gone_is_told(world: World) -> None:
    endpoint_id = await endpoint(world)
    payment_id = await world.paid()
    await plan_deliveries(world, payment_id)
    await delivered(world, ok=False, status_code=410, error="gone", dead=True, disable_endpoint=True)
    [alert] = await alerts(world, "endpoint_disabled", status="open")
    assert alert["subject"] == endpoint_id
    await world.call("webhook_endpoint_update_v1", endpoint_id=endpoint_id, status="enabled", at=at(60))
    assert await alerts(world, "endpoint_disabled", status="open") == []


async def test_deliveries_that_are_given_up_are_one_alert_per_endpoint(world: World) -> None:
    endpoint_id = await endpoint(world)
    payment_id = await world.paid()
    await plan_deliveries(world, payment_id)
    await delivered(world, ok=False, status_code=500, error="http 500", dead=True)
    [alert] = await alerts(world, "deliveries_dead", status="open")
    assert (alert["subject"], alert["times"]) == (endpoint_id, 2)
    closed = await world.database.system(
        "alert_close_v1", {"alert_id": alert["id"], "operator": "ada", "why": "replayed", "at": at(100)}
    )
    assert (closed["status"], closed["closed_by"]) == ("closed", "ada")
    with pytest.raises(Conflict, match="alert_not_open"):
        await world.database.system(
            "alert_close_v1", {"alert_id": alert["id"], "operator": "ada", "why": "again", "at": at(100)}
        )
    with pytest.raises(NotFound, match="alert_not_found"):
        await world.database.system(
            "alert_close_v1", {"alert_id": new_id("alr"), "operator": "ada", "why": "x", "at": at(100)}
        )


async def test_what_waits_too_long_is_told_until_it_no_longer_waits(world: World) -> None:
    begun = await world.begin()
    await world.apply(begun["dispatch"], UNKNOWN)
    seen = await watch(world, outbox_s=0, orders_s=0, stuck_s=0)
    assert {"outbox_late", "orders_late", "work_stuck"} <= set(seen["open"])
    raised = {alert["kind"] for alert in seen["raised"]}
    assert {"outbox_late", "orders_late", "work_stuck"} <= raised
    assert (await watch(world, after=seen["last"]))["raised"] == []
    later = await watch(world, stuck_s=10**9)  # business time is not the clock's here
    assert not {"outbox_late", "orders_late", "work_stuck"} & set(later["open"])


async def test_the_watch_counts_reviews(world: World) -> None:
    before = (await watch(world))["reviews"]
    begun = await world.begin()
    await world.apply(begun["dispatch"], UNKNOWN)
    await to_review(world, begun["dispatch"]["operation_id"])
    assert (await watch(world))["reviews"] == before + 1


# Stuck ------------------------------------------------------------------------------------------------------------


async def stuck(world: World, older_than_s: float = 0) -> list[tuple[str, str]]:
    found = await world.database.system("stuck_v1", {"older_than_s": older_than_s, "limit": 1000})
    return sorted((row["kind"], row["payment"]) for row in found["data"] if row["merchant"] == world.merchant)


async def open_work(world: World) -> list[str]:
    found = await world.database.system("open_work_v1", {"limit": 100})
    assert found["has_more"] is False
    return [row["id"] for row in found["data"] if row["merchant"] == world.merchant]


async def test_what_is_stuck_is_listed_and_what_waits_for_others_is_not(world: World, database: Database) -> None:
    connection = await asyncpg.connect(database.superuser)
    await connection.execute("delete from core.outbox")  # nothing publishes here
    done = await world.paid()
    dead_sender = (await world.begin(**EXPIRED))["payment"]["id"]
    unknown = await world.begin()
    await world.apply(unknown["dispatch"], UNKNOWN, at=at())
    pending = await world.begin()
    await world.apply(pending["dispatch"], {"kind": "pending", "provider_reference": "psp_1"})
    sending = await world.begin()
    due = await world.begin()
    await world.apply(due["dispatch"], declined(), cascade=True)
    surplus = await world.begin()
    await world.apply(surplus["dispatch"], declined())
    await world.apply(surplus["dispatch"], approved(), source="webhook")
    review = await world.begin()
    await world.apply(review["dispatch"], UNKNOWN)
    await to_review(world, review["dispatch"]["operation_id"])
    await connection.execute("delete from core.outbox")
    await world.orders()
    # Business time is noon of a day that may be to come: what was learned then is moved to where the real clock is.
    await connection.execute(
        "update core.operation set unknown_since = created_real, looked_at = null, settled_at = created_real"
    )
    await connection.execute("update core.payment set updated_at = created_real")
    await connection.close()
    expected = [
        ("attempt_due", due["payment"]["id"]),
        ("lease_expired", dead_sender),
        ("not_looked_at", unknown["payment"]["id"]),
        ("not_reversed", surplus["payment"]["id"]),
    ]
    assert await stuck(world) == expected
    assert await stuck(world, 3600) == []
    open_ids = [dead_sender, *(each["payment"]["id"] for each in (unknown, pending, due, surplus))]
    assert await open_work(world) == sorted(open_ids)
    assert {done, sending["payment"]["id"], review["payment"]["id"]}.isdisjoint(open_ids)


async def test_orders_events_keys_and_deliveries_are_seen_too(world: World) -> None:
    begun = await world.begin(idempotency={"scope": "POST /v1/payments", "key": "k", "fingerprint": "f"}, **EXPIRED)
    payment_id = begun["payment"]["id"]
    await world.call("cancel_begin_v1", payment_id=payment_id, operation_id=new_id("void"), event_id=new_id("evt"),
                     at=at(), send_within_ms=0, lease_ms=0)  # fmt: skip
    await world.database.system("payment_wake_v1", {
        "payment_id": payment_id, "order_id": new_id("ord"), "operator": "ada", "why": "it stands", "at": at(),
    })  # fmt: skip
    await endpoint(world)
    await plan_deliveries(world, payment_id)
    kinds = {kind for kind, payment in await stuck(world) if payment == payment_id}
    assert {"lease_expired", "order_waiting", "event_unsent"} <= kinds
    dead = await world.paid()
    await plan_deliveries(world, dead)
    await delivered(world, ok=False, status_code=500, error="http 500", dead=True)
    listed = [row for row in await stuck(world) if row[0] == "delivery_dead"]
    assert ("delivery_dead", dead) in listed


async def test_waking_a_payment_is_an_order_and_an_audit_entry(world: World) -> None:
    payment_id = await world.paid()
    p = {"payment_id": payment_id, "order_id": new_id("ord"), "operator": "ada", "why": "to be sure", "at": at()}
    woken = await world.database.system("payment_wake_v1", p)
    assert woken == {"id": payment_id, "object": "payment", "merchant": world.merchant, "status": "captured"}
    assert await world.orders() == [payment_id]
    [entry] = [
        entry
        for entry in (await world.database.system("audit_list_v1", {"by": "t", "payment_id": payment_id, "at": at()}))[
            "data"
        ]
        if entry["action"] != "audit.read"
    ]
    assert (entry["action"], entry["operator"], entry["why"]) == ("payment.wake", "ada", "to be sure")
    with pytest.raises(NotFound, match="payment_not_found"):
        await world.database.system("payment_wake_v1", p | {"payment_id": new_id("pay")})
