"""Notifications over real sockets: signatures, retries on the account's clock, chaos, the delivery log, resending."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from simulators.kit.testing import Refused, eventually, running
from tests.simulators.dummypay.client import Receiver, Shop, receiver, shop_at, unused_port

pytestmark = pytest.mark.asyncio


@dataclass(slots=True)
class Scene:
    """A shop whose account notifies a receiver."""

    shop: Shop
    hook: Receiver

    @property
    def secret(self) -> str:
        return self.shop.account.webhook_secret

    async def fault(self, *then: Any, **more: Any) -> None:
        await self.shop.account.fault({"operation": "authorize"}, list(then), times=1, **more)


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with running("dummypay") as sims, receiver() as hook:
        account = await sims.account("dummypay")
        await account.control("PUT", "/webhook", {"url": hook.url})
        async with shop_at(account) as shop:
            yield Scene(shop, hook)


async def test_a_notification_is_signed_and_logged(scene: Scene) -> None:
    charge = (await scene.shop.charge()).body
    [event] = await scene.hook.wait(1)
    assert (event.type, event.body["data"]["object"]) == ("charge.captured", charge)
    good, stamp = event.signed_by(scene.secret)
    assert good
    assert abs(stamp - time.time()) < 5
    assert event.headers["content-type"] == "application/json"
    assert "4242424242424242" not in event.raw.decode()

    async def delivered() -> list[dict[str, Any]]:
        return [d for d in await scene.shop.account.deliveries() if d["status"] == "delivered"]

    [delivery] = await eventually(delivered)
    assert (delivery["event"], delivery["type"]) == (event.body["id"], "charge.captured")
    assert [attempt["status"] for attempt in delivery["attempts"]] == [200]


async def test_the_answer_is_on_the_wire_before_the_notification(scene: Scene) -> None:
    order: list[str] = []
    scene.hook.answer = lambda attempt: order.append("webhook") or 200  # type: ignore[func-returns-value]
    for number in range(20):
        order.clear()
        await scene.shop.charge(key=f"k{number}")
        order.append("answer")
        await scene.hook.wait(number + 1)
        assert order == ["answer", "webhook"]


async def test_before_the_response(scene: Scene) -> None:
    await scene.fault("webhook_before_response")
    charge = (await scene.shop.charge()).body
    assert [event.body["data"]["object"]["id"] for event in scene.hook.got] == [charge["id"]]


async def test_only_subscribed_events_are_sent(scene: Scene) -> None:
    account = scene.shop.account
    await account.control("PUT", "/webhook", {"url": scene.hook.url, "events": ["refund.succeeded"]})
    charge = (await scene.shop.charge()).body
    await scene.shop.refund(charge["id"], amount=100)
    await scene.hook.wait(1)
    assert scene.hook.types() == ["refund.succeeded"]
    assert [d["type"] for d in await account.deliveries()] == ["refund.succeeded"]


async def test_retries_follow_the_schedule_on_the_virtual_clock(scene: Scene) -> None:
    scene.hook.answer = lambda attempt: 503 if attempt < 3 else 204
    await scene.shop.charge()
    await scene.hook.wait(1)

    async def waiting() -> bool:
        return (await scene.shop.account.deliveries())[0]["due"] is not None

    await eventually(waiting)
    await scene.shop.account.advance(4)
    assert len(scene.hook.got) == 1, "the second attempt is due after 5 s"
    await scene.shop.account.advance(2)
    assert len(scene.hook.got) == 2
    await scene.shop.account.advance(60 + 600)
    assert len(scene.hook.got) == 4, "an advance goes due date by due date: two attempts lie in it"
    [delivery] = await scene.shop.account.deliveries()
    assert [attempt["status"] for attempt in delivery["attempts"]] == [503, 503, 503, 204]
    assert delivery["status"] == "delivered"
    assert len({event.body["id"] for event in scene.hook.got}) == 1


async def test_a_delivery_fails_for_good_when_the_schedule_is_over(scene: Scene) -> None:
    await scene.shop.account.control("PUT", "/webhook", {"url": f"http://127.0.0.1:{await unused_port()}/"})
    await scene.shop.charge()
    await scene.shop.account.advance(100_000)

    async def failed() -> bool:
        return (await scene.shop.account.deliveries())[0]["status"] == "failed"

    await eventually(failed)
    [delivery] = await scene.shop.account.deliveries()
    assert [attempt["error"] for attempt in delivery["attempts"]] == ["ClientConnectorError"] * 5


async def test_delay_waits_for_the_accounts_clock(scene: Scene) -> None:
    await scene.fault({"action": "webhook_delay", "seconds": 90})
    await scene.shop.charge()
    await scene.shop.account.advance(89)
    assert scene.hook.got == []
    await scene.shop.account.advance(2)
    assert scene.hook.types() == ["charge.captured"]


async def test_duplicate_sends_the_same_event_n_times(scene: Scene) -> None:
    await scene.fault({"action": "webhook_duplicate", "times": 3})
    await scene.shop.charge()
    events = await scene.hook.wait(3)
    assert len({event.raw for event in events}) == 1
    await scene.shop.charge()
    await scene.hook.wait(4)
    assert len({event.body["id"] for event in scene.hook.got}) == 2, "the next request is not duplicated"


async def test_drop_and_resend(scene: Scene) -> None:
    await scene.fault("webhook_drop")
    await scene.shop.charge()
    [dropped] = await scene.shop.account.deliveries()
    assert (dropped["status"], dropped["attempts"]) == ("dropped", [])
    await scene.shop.account.advance(100_000)
    assert scene.hook.got == []
    await scene.shop.account.control("POST", f"/webhooks/{dropped['event']}/resend")
    [event] = await scene.hook.wait(1)
    assert event.body["id"] == dropped["event"]
    with pytest.raises(Refused, match="no event 'evt_none'"):
        await scene.shop.account.control("POST", "/webhooks/evt_none/resend")


async def test_bad_signature(scene: Scene) -> None:
    await scene.fault("webhook_bad_signature")
    await scene.shop.charge()
    [event] = await scene.hook.wait(1)
    assert not event.signed_by(scene.secret)[0]


async def test_stale_timestamp_is_signed_well_and_too_old(scene: Scene) -> None:
    await scene.fault("webhook_stale")
    await scene.shop.charge()
    [event] = await scene.hook.wait(1)
    good, stamp = event.signed_by(scene.secret)
    assert good
    assert time.time() - stamp > 300


async def test_old_secret_is_the_one_before_the_rotation(scene: Scene) -> None:
    await scene.shop.account.control("PUT", "/webhook", {"url": scene.hook.url, "secret": "whsec_new"})
    await scene.fault("webhook_old_secret")
    await scene.shop.charge()
    [event] = await scene.hook.wait(1)
    assert event.signed_by(scene.secret)[0]
    assert not event.signed_by("whsec_new")[0]
    await scene.shop.charge()
    await scene.hook.wait(2)
    assert scene.hook.got[1].signed_by("whsec_new")[0]


async def test_reorder_lets_a_single_event_follow_the_next(scene: Scene) -> None:
    await scene.fault("webhook_reorder")
    first = (await scene.shop.charge(capture=False)).body
    await scene.shop.account.advance(1)
    assert scene.hook.got == []
    await scene.shop.capture(first["id"])
    await scene.hook.wait(3)
    assert scene.hook.types() == ["capture.succeeded", "charge.captured", "charge.authorized"]


async def test_reorder_turns_the_events_of_one_request_around(scene: Scene) -> None:
    charge = (await scene.shop.charge(capture=False)).body
    await scene.hook.wait(1)
    await scene.shop.account.fault({"operation": "capture"}, "webhook_reorder", times=1)
    await scene.shop.capture(charge["id"])
    await scene.hook.wait(3)
    assert scene.hook.types() == ["charge.authorized", "charge.captured", "capture.succeeded"]


async def test_chaos_combines_with_a_lost_response(scene: Scene) -> None:
    await scene.fault({"action": "commit_then_lose_response", "lose": "hang"}, "webhook_before_response")
    charging = asyncio.create_task(scene.shop.charge())
    await scene.hook.wait(1)
    assert not charging.done()
    charging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await charging


async def test_a_reset_account_sends_nothing_of_before(scene: Scene) -> None:
    await scene.fault({"action": "webhook_delay", "seconds": 60})
    await scene.shop.charge()
    await scene.shop.account.control("POST", "/reset")
    await scene.shop.account.advance(3600)
    await scene.shop.charge()
    await scene.hook.wait(1)
    assert len(scene.hook.got) == 1
    assert len(await scene.shop.account.deliveries()) == 1
