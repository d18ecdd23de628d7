"""Merchants, accounts, endpoints, keys, deliveries and reports: every function that is not about one payment."""

from typing import Any

import pytest

from gateway.domain.errors import Conflict, NotFound, Refused
from gateway.domain.ids import new_id
from tests.sql.world import World, at


async def test_authentication_looks_up_keys_and_accounts(world: World) -> None:
    found = await world.database.system("api_key_lookup_v1", {"hash": f"hash of {world.merchant}"})
    assert found == {"merchant": world.merchant, "kind": "secret"}
    assert await world.database.system("api_key_lookup_v1", {"hash": "nobody's"}) is None
    account = {"account_id": world.accounts["stripe"]}
    known = await world.database.system("provider_account_lookup_v1", account)
    assert (known["merchant"], known["account"]["id"]) == (world.merchant, world.accounts["stripe"])
    assert known["account"]["credentials_ciphertext"] == "Y3JlZA=="
    assert await world.database.system("provider_account_lookup_v1", {"account_id": "pa_none"}) is None


async def test_provider_accounts(world: World) -> None:
    account_id = world.accounts["stripe"]
    view = await world.call("provider_account_get_v1", account_id=account_id)
    assert list(view) == ["id", "object", "provider", "base_url", "settings", "webhook_path", "created_at"]
    assert view["webhook_path"] == f"/webhooks/stripe/{account_id}"
    listed = (await world.call("provider_account_list_v1"))["data"]
    assert {a["id"] for a in listed} == set(world.accounts.values())
    deleted = await world.call("provider_account_delete_v1", account_id=account_id, at=at())
    assert deleted == {"id": account_id, "object": "provider_account", "deleted": True}
    with pytest.raises(NotFound, match="provider_account_not_found"):
        await world.call("provider_account_get_v1", account_id=account_id)
    kept = await world.database.system("provider_account_lookup_v1", {"account_id": account_id})
    assert kept["account"]["id"] == account_id  # what is under way there may still be notified of
    assert len((await world.call("provider_account_list_v1"))["data"]) == 1


async def test_data_keys_are_put_once(world: World) -> None:
    assert await world.call("data_key_get_v1", purpose="card") is None
    first = await world.call("data_key_put_v1", purpose="card", key_id="dek_1", wrapped="w1", at=at())
    second = await world.call("data_key_put_v1", purpose="card", key_id="dek_2", wrapped="w2", at=at())
    assert first == second == {"key_id": "dek_1", "wrapped": "w1"}
    assert await world.call("data_key_get_v1", purpose="card") == first


async def endpoint(world: World, **fields: Any) -> Any:
    p = {"endpoint_id": new_id("we"), "url": "https://shop.example/hook", "enabled_events": ["*"], "at": at()}
    return await world.call("webhook_endpoint_create_v1", **(p | fields), secret_ciphertext="c2Vj", key_id="dek_1")


async def test_webhook_endpoints(world: World) -> None:
    view = await endpoint(world)
    assert list(view) == ["id", "object", "url", "enabled_events", "status", "created_at", "updated_at"]
    changed = await world.call(
        "webhook_endpoint_update_v1", endpoint_id=view["id"], enabled_events=["payment.captured"], at=at(5)
    )
    assert (changed["url"], changed["enabled_events"]) == (view["url"], ["payment.captured"])
    assert (await world.call("webhook_endpoint_get_v1", endpoint_id=view["id"])) == changed
    assert (await world.call("webhook_endpoint_list_v1"))["data"] == [changed]
    await world.call("webhook_endpoint_delete_v1", endpoint_id=view["id"], at=at())
    assert (await world.call("webhook_endpoint_list_v1"))["data"] == []
    with pytest.raises(NotFound, match="webhook_endpoint_not_found"):
        await world.call("webhook_endpoint_update_v1", endpoint_id=view["id"], url="https://x", at=at())


async def published(world: World, payment_id: str) -> list[Any]:
    return list((await world.call("event_list_v1", payment_id=payment_id))["data"])


async def claim(world: World, when: str, dispatcher: str = "d1", lease_ms: int = 60_000) -> list[Any]:
    p = {"dispatcher": dispatcher, "limit": 1000, "lease_ms": lease_ms, "at": when}
    return [row for row in await world.database.system("delivery_claim_v1", p) if row["merchant"] == world.merchant]


async def result(world: World, row: Any, **fields: Any) -> Any:
    p = {
        "delivery_id": row["id"],
        "dispatcher": "d1",
        "ok": False,
        "dead": False,
        "disable_endpoint": False,
        "at": at(61),
    }
    told = p | fields
    one = {"dispatcher": told.pop("dispatcher"), "results": [told]}
    return (await world.database.system("delivery_results_v1", one))["applied"]


async def test_a_delivery_from_plan_to_end(world: World) -> None:
    every, some = await endpoint(world), await endpoint(world, enabled_events=["payment.captured"])
    events = await published(world, await world.paid())
    plan = {"events": events, "at": at(60)}
    assert await world.database.system("delivery_plan_v1", plan) == {"planned": 3}
    assert await world.database.system("delivery_plan_v1", plan) == {"planned": 0}
    assert await claim(world, at(59)) == []
    rows = await claim(world, at(60))
    assert sorted((row["endpoint_id"], row["payload"]["type"]) for row in rows) == sorted(
        [(every["id"], "payment.created"), (every["id"], "payment.captured"), (some["id"], "payment.captured")]
    )
    row = rows[0]
    assert row["payload"] == next(e for e in events if e["id"] == row["event_id"])
    assert list(row["payload"]) == list(events[0])
    assert (row["url"], row["secret_ciphertext"], row["attempts"]) == ("https://shop.example/hook", "c2Vj", 0)
    assert await claim(world, at(60), "d2") == []
    assert await result(world, row, dispatcher="d2", ok=True) == 0
    assert await result(world, row, status_code=500, error="500", next_at=at(65)) == 1
    assert await claim(world, at(64)) == []
    (again,) = await claim(world, at(65))
    assert again["attempts"] == 1
    assert await result(world, again, ok=True, status_code=200) == 1
    pending = (await world.call("delivery_list_v1", status="pending"))["data"]
    assert len(pending) == 2
    gone = rows[1]["endpoint_id"] == some["id"]
    assert await result(world, rows[1], dead=True, status_code=410, disable_endpoint=gone) == 1
    (view,) = (await world.call("delivery_list_v1", status="dead"))["data"]
    assert view["id"] == rows[1]["id"]
    (done,) = (await world.call("delivery_list_v1", status="delivered", endpoint_id=row["endpoint_id"]))["data"]
    replayed = await world.call("delivery_replay_v1", delivery_id=done["id"], at=at(100))
    assert (replayed["status"], replayed["attempts"], replayed["delivered_at"]) == ("pending", 0, None)
    with pytest.raises(NotFound, match="delivery_not_found"):
        await world.call("delivery_replay_v1", delivery_id=new_id("del"), at=at())


async def test_a_disabled_endpoint_takes_its_deliveries_along(world: World) -> None:
    view = await endpoint(world)
    events = await published(world, await world.paid())
    await world.database.system("delivery_plan_v1", {"events": events, "at": at(60)})
    rows = await claim(world, at(60))
    await result(world, rows[0], dead=True, status_code=410, disable_endpoint=True)
    assert (await world.call("webhook_endpoint_get_v1", endpoint_id=view["id"]))["status"] == "disabled"
    assert len((await world.call("delivery_list_v1", status="dead"))["data"]) == 2
    with pytest.raises(Conflict, match="webhook_endpoint_disabled"):
        await world.call("delivery_replay_v1", delivery_id=rows[0]["id"], at=at())
    assert await world.database.system("delivery_plan_v1", {"events": events, "at": at(60)}) == {"planned": 0}


async def test_reports_count_each_event_once(world: World) -> None:
    events = await published(world, await world.paid(1000)) + await published(world, await world.paid(500))
    assert await world.database.system("report_events_v1", {"events": events}) == {"archived": 4}
    assert await world.database.system("report_events_v1", {"events": events}) == {"archived": 0}


async def test_event_lists(world: World) -> None:
    first, second = await world.paid(), await world.paid()
    newest = (await world.call("event_list_v1", limit=3))["data"]
    assert [e["subject"] for e in newest] == [second, second, first]
    page = await world.call("event_list_v1", payment_id=first, limit=1)
    assert (page["has_more"], page["data"][0]["sequence"]) == (True, 1)
    rest = await world.call("event_list_v1", payment_id=first, limit=1, cursor=page["next_cursor"])
    assert (rest["has_more"], rest["data"][0]["sequence"]) == (False, 2)
    assert len((await world.call("event_list_v1", type="payment.captured"))["data"]) == 2
    with pytest.raises(Refused, match="cursor_invalid"):
        await world.call("event_list_v1", cursor="evt_none")
    with pytest.raises(NotFound, match="event_not_found"):
        await world.call("event_get_v1", event_id="evt_none")


async def test_several_results_at_once_and_letting_go(world: World) -> None:
    await endpoint(world)
    await world.database.system(
        "delivery_plan_v1", {"events": await published(world, await world.paid()), "at": at(60)}
    )
    first, second = await claim(world, at(60), "d3")
    assert await world.database.system("delivery_release_v1", {"dispatcher": "d3"}) == {"released": 2}
    assert len(await claim(world, at(60), "d4")) == 2
    results = [
        {"delivery_id": row["id"], "ok": True, "dead": False, "disable_endpoint": False, "at": at(61)}
        for row in (first, second)
    ]
    stale = await world.database.system("delivery_results_v1", {"dispatcher": "d3", "results": results})
    assert stale == {"applied": 0, "stale": 2}
    applied = await world.database.system("delivery_results_v1", {"dispatcher": "d4", "results": results})
    assert applied == {"applied": 2, "stale": 0}
