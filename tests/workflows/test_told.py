"""PSPs that accept first: what Adyen's notifications tell is applied, what Checkout.com accepted is read."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.use_cases.cancel_payment import CancelPayment, cancel_payment
from gateway.use_cases.capture_payment import CapturePayment, capture_payment
from gateway.use_cases.refund_payment import RefundPayment, refund_payment
from tests.connectors.harness import sink
from tests.workflows.world import Shop, World, until

LOST: dict[str, Any] = {"action": "commit_then_lose_response", "lose": "reset"}


@contextlib.asynccontextmanager
async def notified(shop: Shop, *slugs: str) -> AsyncIterator[None]:
    """Every notification of these providers comes to the gateway, as the api would take it; the relay runs."""
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(shop.world.relay())
        for slug in slugs:
            inbox = await stack.enter_async_context(sink())
            await shop.accounts[slug].control("PUT", "/webhook", {"url": inbox.url})
            stack.enter_context(_passing_on(shop, slug, inbox.received))
        yield


@contextlib.contextmanager
def _passing_on(shop: Shop, slug: str, received: list[tuple[dict[str, str], bytes]]) -> Any:
    async def loop() -> None:
        taken = 0
        while True:
            for headers, body in received[taken:]:
                lowered = {name.lower(): value for name, value in headers.items()}
                await shop.webhook(slug, lowered, body)
                taken += 1
            await asyncio.sleep(0.02)

    task = asyncio.create_task(loop())
    try:
        yield
        assert not task.done(), f"a notification was refused: {task.exception()}"
    finally:
        task.cancel()


async def operation(shop: Shop, payment_id: str, kind: str, status: str) -> dict[str, Any]:
    """The payment's one operation of this kind, once it has this status."""

    async def look() -> dict[str, Any] | None:
        found = [each for each in await shop.operations(payment_id) if each["kind"] == kind]
        return found[0] if found and found[0]["status"] == status else None

    found: dict[str, Any] = await until(look, 15)
    return found


@pytest.mark.parametrize("slug", ["adyen", "checkout"])
async def test_a_payment_goes_all_its_way(world: World, slug: str) -> None:
    shop = await world.shop(slug)
    async with notified(shop, slug):
        payment_id = (await shop.pay(4200, capture="manual")).view["id"]
        await capture_payment(world.ports, CapturePayment(shop.merchant, payment_id, 1000, final=False))
        await shop.until(payment_id, "partially_captured")
        await capture_payment(world.ports, CapturePayment(shop.merchant, payment_id, 2000))
        captured = await shop.until(payment_id, "captured")
        assert captured["amount_captured"] == 3000
        await refund_payment(world.ports, RefundPayment(shop.merchant, payment_id, 500))
        refund = await operation(shop, payment_id, "refund", "approved")
        assert refund["outcomes"] == ["pending", "approved"]
        await shop.workflow_over(payment_id)
    assert await shop.journal(slug) == [("authorize", 4200), ("capture", 1000), ("capture", 2000), ("refund", 500)]
    assert (await shop.payment(payment_id))["amount_refunded"] == 500


@pytest.mark.parametrize("slug", ["adyen", "checkout"])
async def test_a_cancel_is_accepted_and_then_so(world: World, slug: str) -> None:
    shop = await world.shop(slug)
    async with notified(shop, slug):
        payment_id = (await shop.pay(4200, capture="manual")).view["id"]
        await cancel_payment(world.ports, CancelPayment(shop.merchant, payment_id))
        await shop.until(payment_id, "canceled")
    assert await shop.journal(slug) == [("authorize", 4200), ("void", 4200)]


@pytest.mark.parametrize("slug", ["adyen", "checkout"])
@pytest.mark.parametrize("kind", ["authorize", "capture", "refund"])
async def test_a_lost_answer_moves_money_once(world: World, slug: str, kind: str) -> None:
    shop = await world.shop(slug)
    account = shop.accounts[slug]
    async with notified(shop, slug):
        await account.fault({"operation": kind}, LOST, times=1, per="request")
        payment_id = (await shop.pay(4200, capture="manual")).view["id"]
        await shop.until(payment_id, "authorized")
        await capture_payment(world.ports, CapturePayment(shop.merchant, payment_id))
        await shop.until(payment_id, "captured")
        await refund_payment(world.ports, RefundPayment(shop.merchant, payment_id))
        await operation(shop, payment_id, "refund", "approved")
    assert await shop.journal(slug) == [("authorize", 4200), ("capture", 4200), ("refund", 4200)]


async def test_what_only_the_notification_tells_is_not_asked(world: World) -> None:
    shop = await world.shop("adyen", "dummypay")
    account = shop.accounts["adyen"]
    # Committed, and the key gives nothing but 500s: without the notification nobody would know.
    await account.fault({"operation": "authorize"}, {"action": "server_error", "status": 500, "commit": True})
    async with notified(shop, "adyen"):
        payment_id = (await shop.pay(4200)).view["id"]
        await shop.until(payment_id, "captured")
    assert await shop.attempts(payment_id) == [("adyen", "approved", ["unknown", "approved"])]
    assert await shop.journal("adyen") == [("charge", 4200)]
    assert await shop.journal("dummypay") == []


async def test_a_refusal_that_is_told_leads_to_the_fallback(world: World) -> None:
    shop = await world.shop("adyen", "dummypay")
    pending = {"action": "pending", "seconds": 1, "then": "91"}
    await shop.accounts["adyen"].fault({"operation": "authorize"}, pending, times=1)
    async with notified(shop, "adyen"):
        payment_id = (await shop.pay(4200)).view["id"]
        await shop.accounts["adyen"].advance(2)
        await shop.until(payment_id, "captured")
    assert await shop.attempts(payment_id) == [
        ("adyen", "declined", ["pending", "declined"]),
        ("dummypay", "approved", ["approved"]),
    ]


async def test_a_refund_that_fails_after_all_is_taken_back(world: World) -> None:
    shop = await world.shop("adyen")
    account = shop.accounts["adyen"]
    async with notified(shop, "adyen"):
        payment_id = (await shop.pay(4200)).view["id"]
        await refund_payment(world.ports, RefundPayment(shop.merchant, payment_id, 1000))
        refund = await operation(shop, payment_id, "refund", "approved")
        await account.control("POST", "/settle", {"object": refund["provider_reference"], "action": "fail"})

        async def taken_back() -> bool:
            return bool((await shop.payment(payment_id))["amount_refunded"] == 0)

        await until(taken_back, 15)
    assert (await shop.events(payment_id))[-2:] == ["refund.succeeded", "refund.failed"]


async def test_after_a_5xx_checkouts_key_is_not_used_again(world: World) -> None:
    shop = await world.shop("checkout")
    account = shop.accounts["checkout"]
    committed = {"action": "server_error", "status": 502, "commit": True}
    await account.fault({"operation": "authorize"}, committed, times=1, per="request")
    async with notified(shop):
        payment_id = (await shop.pay(4200)).view["id"]
        await shop.until(payment_id, "captured")
    assert await shop.journal("checkout") == [("charge", 4200)]
    asked = [(line["method"], line["operation"]) for line in await account.requests()]
    assert asked.count(("POST", "authorize")) == 1
