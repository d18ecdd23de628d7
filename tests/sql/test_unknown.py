"""What is not known: fences, claims, the sweep, fallbacks, late evidence, hints. No other PSP before proof."""

from typing import Any

import pytest

from gateway.domain.errors import Bug
from gateway.domain.ids import new_id
from tests.sql.world import EXPIRED, UNKNOWN, World, approved, at, declined, new_merchant

KEY = {"scope": "POST /v1/payments", "key": "order-1", "fingerprint": "f1"}


async def unknown(world: World, **fields: Any) -> Any:
    begun = await world.begin(**fields)
    applied = await world.apply(begun["dispatch"], UNKNOWN)
    assert (applied["payment"]["status"], applied["workflow"]) == ("processing", True)
    return begun


async def test_an_unknown_stays_processing_and_orders_the_workflow(world: World) -> None:
    begun = await unknown(world, idempotency=KEY)
    payment_id = begun["payment"]["id"]
    assert (await world.call("idempotency_get_v1", **KEY))["state"] == "open"
    assert await world.orders() == [payment_id]
    plan = await world.plan(payment_id)
    assert (plan["status"], plan["next"], plan["route_left"], plan["fallbacks_left"]) == ("processing", None, 1, 1)
    operation = plan["operations"][0]
    assert (operation["status"], operation["cause"], operation["unknown_since"]) == (
        "unknown",
        "timeout",
        "2026-11-22T12:00:01.000Z",
    )
    assert (operation["lease_until"], operation["resolution"]) == (None, {"index_lag_s": 1})
    refused = await world.attempt(payment_id)
    assert (refused["result"], refused["why"]) == ("refused", "operation_in_progress")
    claimed = await world.claim(operation["id"])
    assert (claimed["dispatch"]["epoch"], claimed["dispatch"]["looks"]) == (2, 1)
    done = await world.apply(claimed["dispatch"], approved(), source="read")
    assert done["operation"]["outcomes"] == ["unknown", "approved"]
    row = await world.call("idempotency_get_v1", **KEY)
    assert (row["state"], row["body"]) == ("frozen", done["payment"])


async def test_looking_again_does_not_wake_in_a_circle(world: World) -> None:
    begun = await unknown(world)
    await world.orders()
    claimed = await world.claim(begun["dispatch"]["operation_id"])
    applied = await world.apply(claimed["dispatch"], UNKNOWN, source="read")
    assert (applied["workflow"], applied["operation"]["outcomes"]) == (True, ["unknown"])
    assert await world.orders() == []


async def test_a_live_lease_keeps_everybody_else_away(world: World) -> None:
    begun = await world.begin()
    assert (await world.claim(begun["dispatch"]["operation_id"]))["result"] == "leased"
    assert (await world.database.system("recovery_sweep_v1", {"limit": 100, "at": at()}))["swept"] == 0


async def test_the_sweep_finds_a_dead_sender(world: World) -> None:
    begun = await world.begin(idempotency=KEY, **EXPIRED)
    assert (await world.database.system("recovery_sweep_v1", {"limit": 100, "at": at(9)}))["swept"] >= 1
    plan = await world.plan(begun["payment"]["id"])
    assert (plan["operations"][0]["status"], plan["operations"][0]["cause"]) == ("unknown", "crash")
    assert (await world.call("idempotency_get_v1", **KEY))["state"] == "open"
    assert await world.orders() == [begun["payment"]["id"]]
    assert (await world.database.system("recovery_sweep_v1", {"limit": 100, "at": at(9)}))["swept"] == 0
    # The sender was slow, not dead: its answer still counts, nobody has claimed since.
    applied = await world.apply(begun["dispatch"], approved())
    assert (applied["result"], applied["payment"]["status"]) == ("applied", "captured")
    assert applied["operation"]["outcomes"] == ["unknown", "approved"]


async def test_a_claim_fences_the_sender(world: World) -> None:
    begun = await world.begin(**EXPIRED)
    claimed = await world.claim(begun["dispatch"]["operation_id"])
    assert (await world.plan(begun["payment"]["id"]))["operations"][0]["cause"] == "crash"
    stale = await world.apply(begun["dispatch"], declined(), cascade=True)
    assert (stale["result"], stale["payment"]["status"]) == ("stale", "processing")
    with pytest.raises(Bug, match="epoch_unknown"):
        await world.apply(claimed["dispatch"], approved(), epoch=9)
    with pytest.raises(Bug, match="forbidden_transition"):
        await world.apply(claimed["dispatch"], {"kind": "frobnicated"})
    # An approval is evidence, whoever brings it.
    applied = await world.apply(begun["dispatch"], approved())
    assert (applied["result"], applied["payment"]["status"]) == ("applied", "captured")
    assert (await world.claim(begun["dispatch"]["operation_id"]))["result"] == "settled"


async def test_absent_counts_when_the_caller_says_so(world: World) -> None:
    begun = await unknown(world)
    claimed = await world.claim(begun["dispatch"]["operation_id"])
    await world.apply(claimed["dispatch"], {**UNKNOWN, "absent": True}, source="read", at=at(20))
    operation = (await world.plan(begun["payment"]["id"]))["operations"][0]
    assert (operation["status"], operation["absent_since"]) == ("unknown", "2026-11-22T12:00:20.000Z")
    claimed = await world.claim(begun["dispatch"]["operation_id"])
    applied = await world.apply(claimed["dispatch"], {"kind": "absent"}, source="read", cascade=True, at=at(30))
    assert applied["operation"]["outcomes"] == ["unknown", "absent"]
    assert (await world.plan(begun["payment"]["id"]))["next"] == "attempt"


async def test_a_fallback_goes_to_the_next_provider(world: World) -> None:
    begun = await world.begin()
    payment_id = begun["payment"]["id"]
    applied = await world.apply(begun["dispatch"], declined(), cascade=True)
    assert (applied["payment"]["status"], applied["workflow"]) == ("processing", True)
    second = await world.attempt(payment_id)
    assert second["dispatch"]["account"]["id"] == world.accounts["dummypay"]
    assert second["dispatch"]["had_cvv"] is True
    assert (await world.attempt(payment_id))["why"] == "operation_in_progress"
    last = await world.apply(second["dispatch"], declined("insufficient_funds"), cascade=True)
    assert (last["payment"]["status"], last["payment"]["decline"]["reason"]) == ("declined", "insufficient_funds")
    assert await world.events(payment_id) == ["payment.created", "payment.declined"]
    assert (await world.attempt(payment_id))["why"] == "ended"
    attempts = (await world.call("payment_attempts_v1", payment_id=payment_id))["data"]
    assert [(a["provider"], a["outcomes"]) for a in attempts] == [("stripe", ["declined"]), ("dummypay", ["declined"])]


async def test_a_refused_fallback_shows_the_decline_before_it(world: World) -> None:
    begun = await world.begin()
    await world.apply(begun["dispatch"], declined(), cascade=True)
    second = await world.attempt(begun["payment"]["id"])
    last = await world.apply(second["dispatch"], {"kind": "not_sent", "cause": "refused"}, cascade=True)
    assert (last["payment"]["status"], last["payment"]["decline"]["reason"]) == ("declined", "issuer_unavailable")


async def test_no_fallback_once_the_shopper_is_gone(world: World) -> None:
    begun = await world.begin(idempotency=KEY)
    applied = await world.apply(begun["dispatch"], declined(), cascade=True, at=at(61))
    assert applied["payment"]["status"] == "declined"
    # Decided in time, begun too late: the payment ends there.
    begun = await world.begin(idempotency={**KEY, "key": "order-2"})
    await world.apply(begun["dispatch"], {"kind": "not_sent", "cause": "refused"}, cascade=True)
    late = await world.attempt(begun["payment"]["id"], at=at(61))
    assert (late["why"], late["payment"]["status"]) == ("too_late", "failed")
    assert await world.events(begun["payment"]["id"]) == ["payment.created", "payment.failed"]
    row = await world.call("idempotency_get_v1", scope=KEY["scope"], key="order-2")
    assert (row["state"], row["body"]) == ("frozen", late["payment"])


async def test_a_fallback_needs_a_verdict_and_a_provider(world: World) -> None:
    lone = await new_merchant(world.database, providers=("stripe",))
    begun = await lone.begin()
    applied = await lone.apply(begun["dispatch"], declined(), cascade=True)
    assert applied["payment"]["status"] == "declined"


async def test_pending_then_approved(world: World) -> None:
    begun = await world.begin()
    applied = await world.apply(begun["dispatch"], {"kind": "pending", "provider_reference": "psp_1"})
    assert (applied["payment"]["status"], applied["operation"]["status"]) == ("processing", "pending")
    done = await world.apply(begun["dispatch"], approved(reference="psp_1"), source="webhook")
    assert done["operation"]["outcomes"] == ["pending", "approved"]


async def test_review_ends_the_search_and_can_be_resolved(world: World) -> None:
    begun = await unknown(world)
    claimed = await world.claim(begun["dispatch"]["operation_id"])
    p = {
        "operation_id": begun["dispatch"]["operation_id"],
        "epoch": claimed["dispatch"]["epoch"],
        "reason": "no_proof",
        "at": at(40),
        "event_ids": [new_id("evt")],
    }
    reviewed = await world.call("operation_review_v1", **p)
    assert (reviewed["payment"]["status"], reviewed["payment"]["review_reason"]) == ("needs_review", "no_proof")
    assert (await world.call("operation_review_v1", **p))["result"] == "already"
    assert await world.events(begun["payment"]["id"]) == ["payment.created", "payment.needs_review"]
    assert (await world.attempt(begun["payment"]["id"]))["result"] == "refused"
    done = await world.apply(claimed["dispatch"], declined("lost_card"), source="operator")
    assert (done["payment"]["status"], done["payment"]["review_reason"]) == ("declined", None)


async def receive(world: World, *facts: dict[str, Any]) -> Any:
    return await world.call(
        "webhook_receive_v1",
        account_id=world.accounts["stripe"],
        facts=[{"event_type": "charge", "operation_id": None, "provider_reference": None} | fact for fact in facts],
        body_ciphertext="c2VhbGVk",
        at=at(3),
        order_id=new_id("ord"),
    )


async def test_a_notification_during_a_live_lease_waits_for_the_answer(world: World) -> None:
    begun = await world.begin()
    fact = {"event_id": "evt_a", "operation_id": begun["dispatch"]["operation_id"], "provider_reference": "psp_9"}
    assert await receive(world, fact) == {"stored": 1, "duplicates": 0, "payments": [begun["payment"]["id"]]}
    assert await receive(world, fact) == {"stored": 0, "duplicates": 1, "payments": []}
    assert (await world.plan(begun["payment"]["id"]))["operations"][0]["hinted"] is True
    assert await world.orders() == []  # deferred: the sender is about to know
    await world.apply(begun["dispatch"], approved())
    operation = (await world.plan(begun["payment"]["id"]))["operations"][0]
    assert (operation["hinted"], operation["status"]) == (False, "approved")
    assert await world.orders() == []


async def test_a_notification_before_a_lost_answer_is_heeded(world: World) -> None:
    begun = await world.begin()
    await receive(
        world, {"event_id": "evt_b", "operation_id": begun["dispatch"]["operation_id"], "provider_reference": "psp_9"}
    )
    await world.apply(begun["dispatch"], UNKNOWN)
    operation = (await world.plan(begun["payment"]["id"]))["operations"][0]
    assert (operation["hinted"], operation["provider_reference"]) == (True, "psp_9")
    assert await world.orders() == [begun["payment"]["id"]]


async def test_a_notification_of_what_stands_starts_nothing(world: World) -> None:
    begun = await world.begin()
    await world.apply(begun["dispatch"], approved(reference="psp_10"))
    stored = await receive(world, {"event_id": "evt_c", "provider_reference": "psp_10"})
    assert stored["payments"] == [begun["payment"]["id"]]
    assert await world.orders() == []


async def test_an_unmatched_notification_is_matched_when_the_reference_is_learned(world: World) -> None:
    begun = await world.begin()
    assert (await receive(world, {"event_id": "evt_d", "provider_reference": "psp_11"}))["payments"] == []
    await world.apply(begun["dispatch"], {"kind": "pending", "provider_reference": "psp_11"})
    assert (await world.plan(begun["payment"]["id"]))["operations"][0]["hinted"] is True
    assert await world.orders() == [begun["payment"]["id"]]


async def test_a_settled_no_is_looked_at_again_when_a_notification_speaks_of_it(world: World) -> None:
    begun = await world.begin()
    await world.apply(begun["dispatch"], declined("stolen_card"))
    await receive(world, {"event_id": "evt_e", "operation_id": begun["dispatch"]["operation_id"]})
    assert await world.orders() == [begun["payment"]["id"]]
    claimed = await world.claim(begun["dispatch"]["operation_id"])
    assert claimed["result"] == "claimed"
    again = await world.apply(claimed["dispatch"], declined("stolen_card"), source="read")
    assert again["result"] == "already"
    operation = (await world.plan(begun["payment"]["id"]))["operations"][0]
    assert (operation["hinted"], operation["lease_until"]) == (False, None)
    assert (await world.claim(begun["dispatch"]["operation_id"]))["result"] == "settled"
