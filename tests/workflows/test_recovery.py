"""What comes late, twice, crosswise or after a crash: one charge in the end, and the ledger says so."""

import asyncio
import contextlib
from typing import Any

import pytest

from gateway.domain.card import CardSecret, Cvv, Pan
from gateway.domain.ids import new_id
from gateway.use_cases.cancel_payment import CancelPayment, cancel_payment
from gateway.use_cases.capture_payment import CapturePayment, capture_payment
from gateway.use_cases.refund_payment import RefundPayment, refund_payment
from gateway.worker import build_worker
from tests.connectors.harness import sink
from tests.parts import Database, Parts
from tests.workflows.world import TIMING, VISA, Shop, World, now, open_world, until

LOST: dict[str, Any] = {"action": "commit_then_lose_response", "lose": "reset"}


async def ledger(shop: Shop, payment_id: str) -> dict[str, int]:
    """Net per account, in minor units."""
    sums: dict[str, int] = {}
    for transaction in (await shop.call("payment_ledger_v1", payment_id=payment_id))["data"]:
        for line in transaction["lines"]:
            sums[line["account"]] = sums.get(line["account"], 0) + line["amount"]
    return {account: amount for account, amount in sums.items() if amount}


@pytest.mark.parametrize("capture", ["automatic", "manual"])
async def test_a_success_that_shows_after_another_was_charged_is_reversed(world: World, capture: str) -> None:
    shop = await world.shop("stripe", "dummypay")
    first, second = shop.accounts["stripe"], shop.accounts["dummypay"]
    hidden = [{"action": "server_error", "status": 500, "commit": True}, {"action": "hide_from_reads", "seconds": 60}]
    await first.fault({"operation": "authorize"}, hidden)
    async with sink() as notifications, world.relay():
        await first.control("PUT", "/webhook", {"url": notifications.url})
        answer = await shop.pay(4200, capture=capture)
        payment_id = answer.view["id"]
        rest = "captured" if capture == "automatic" else "authorized"
        assert (await shop.until(payment_id, rest))["provider"] == "dummypay"
        await shop.workflow_over(payment_id)
        words = (b'"payment_intent.succeeded"', b'"payment_intent.amount_capturable_updated"')
        await notifications.wait(lambda: any(word in body for _, body in notifications.received for word in words))
        await first.advance(61)
        for headers, body in notifications.received * 2:  # and every notification twice
            await shop.webhook("stripe", headers, body)

        async def reversed_() -> bool:
            return "payment.duplicate_reversed" in await shop.events(payment_id)

        await until(reversed_, 15)
    assert [(provider, status) for provider, status, _ in await shop.attempts(payment_id)] == [
        ("stripe", "reversed"),
        ("dummypay", "approved"),
    ]
    reversal = "refund" if capture == "automatic" else "void"
    kinds = {operation["kind"]: operation["id"].partition("_")[0] for operation in await shop.operations(payment_id)}
    assert kinds[reversal] == {"refund": "ref", "void": "void"}[reversal]
    assert [kind for kind, _ in await shop.journal("stripe")][1:] == [reversal]
    assert await shop.events(payment_id) == [
        "payment.created",
        f"payment.{rest}",
        "payment.duplicate_approval",
        "payment.duplicate_reversed",
    ]
    charged = {"psp:dummypay:receivable": 4200, "merchant:payable": -4200}
    assert await ledger(shop, payment_id) == (charged if capture == "automatic" else {})
    assert len(await second.journal()) == 1


@pytest.mark.parametrize("slug", ["dummypay", "stripe"])
async def test_lost_answers_of_capture_and_refund_are_resolved(world: World, slug: str) -> None:
    shop = await world.shop(slug)
    payment_id = (await shop.pay(4200, capture="manual")).view["id"]
    await shop.accounts[slug].fault({"operation": "capture"}, LOST, times=1, per="request")
    captured = await capture_payment(world.ports, CapturePayment(shop.merchant, payment_id, 3000))
    assert (captured.status, captured.view["status"], captured.view["amount_captured"]) == (201, "captured", 3000)
    await shop.accounts[slug].fault({"operation": "refund"}, LOST, times=1, per="request")
    refunded = await refund_payment(world.ports, RefundPayment(shop.merchant, payment_id, 1000))
    assert (refunded.status, refunded.view["status"]) == (201, "succeeded")
    assert await shop.journal(slug) == [("authorize", 4200), ("capture", 3000), ("refund", 1000)]
    assert await ledger(shop, payment_id) == {f"psp:{slug}:receivable": 2000, "merchant:payable": -2000}


@pytest.mark.parametrize("slug", ["dummypay", "stripe"])
async def test_a_lost_answer_of_a_void_is_resolved(world: World, slug: str) -> None:
    shop = await world.shop(slug)
    payment_id = (await shop.pay(4200, capture="manual")).view["id"]
    await shop.accounts[slug].fault({"operation": "void"}, LOST, times=1, per="request")
    canceled = await cancel_payment(world.ports, CancelPayment(shop.merchant, payment_id))
    assert (canceled.status, canceled.view["status"]) == (201, "canceled")
    assert await shop.journal(slug) == [("authorize", 4200), ("void", 4200)]


async def begin(shop: Shop) -> str:
    """A payment whose sender dies between begin and the PSP: dispatched, and nothing more."""
    card = CardSecret(Pan(VISA), 12, 2030, Cvv("123"))
    ports = shop.world.ports
    token_id = new_id("tok")
    begun = await shop.call(
        "payment_begin_v1",
        payment_id=new_id("pay"),
        operation_id=new_id("att"),
        event_id=new_id("evt"),
        amount=4200,
        currency="EUR",
        capture_method="automatic",
        metadata={},
        card=await ports.vault.seal_card(shop.merchant, card, token_id, ports.clock.now()),
        at=now(shop.world),
        cascade_until=ports.clock.now().replace(year=2099).isoformat(),
        **TIMING.lease(),
    )
    return str(begun["dispatch"]["payment_id"])


async def test_a_crash_after_begin_is_swept_and_finished(world: World) -> None:
    shop = await world.shop("dummypay", "stripe")
    payment_id = await begin(shop)
    async with world.relay():
        payment = await shop.until(payment_id, "captured")
    assert payment["provider"] == "dummypay"
    assert await shop.attempts(payment_id) == [("dummypay", "approved", ["unknown", "approved"])]
    assert await shop.journal("dummypay") == [("charge", 4200)]


async def test_a_cancel_during_an_unknown_takes_the_approval_back(world: World) -> None:
    shop = await world.shop("dummypay", "stripe")
    hang = {"action": "commit_then_lose_response", "lose": "hang"}
    await shop.accounts["dummypay"].fault({"operation": "authorize"}, hang, times=1, per="request")
    async with world.relay():
        paying = asyncio.create_task(shop.pay(4200, capture="manual"))

        async def sent() -> bool:
            return bool(await shop.accounts["dummypay"].requests())

        await until(sent, 5)
        [payment] = (await shop.call("payment_list_v1", limit=10))["data"]
        recorded = await cancel_payment(world.ports, CancelPayment(shop.merchant, payment["id"]))
        assert recorded.status == 202
        await paying
        await shop.until(payment["id"], "canceled")
    assert await shop.journal("dummypay") == [("authorize", 4200), ("void", 4200)]
    assert await shop.journal("stripe") == []


async def test_a_pending_payment_ends_when_the_psp_says_so(world: World) -> None:
    shop = await world.shop("dummypay", "stripe")
    account = shop.accounts["dummypay"]
    await account.fault({"operation": "authorize"}, {"action": "pending", "seconds": 3600}, times=1)
    async with sink() as notifications, world.relay():
        await account.control("PUT", "/webhook", {"url": notifications.url})
        answer = await shop.pay(4200)
        assert (answer.status, answer.view["status"]) == (202, "processing")
        await account.advance(3601)
        await notifications.wait(lambda: len(notifications.received) == 1)
        for headers, body in notifications.received:
            await shop.webhook("dummypay", headers, body)
        await shop.until(answer.view["id"], "captured", within_s=5)
    assert await shop.journal("stripe") == []


async def test_a_worker_that_dies_in_the_middle_is_followed_by_another(
    parts: Parts, database: Database, tmp_path: Any
) -> None:
    async with open_world(parts, database, tmp_path / "keys", worker=False) as world:
        shop = await world.shop("dummypay", "stripe")
        await shop.accounts["dummypay"].fault({"operation": "authorize"}, {"action": "decline", "code": "91"})
        hang = {"action": "commit_then_lose_response", "lose": "hang"}
        await shop.accounts["stripe"].fault({"operation": "authorize"}, hang, times=1, per="request")
        first = build_worker(world.client, world.task_queue, world.ports)
        running = asyncio.create_task(first.run())
        paying = asyncio.create_task(shop.pay(4200))

        async def sent() -> bool:
            return bool(await shop.accounts["stripe"].requests())

        await until(sent, 10)
        # Cancelled while the fallback attempt is at the PSP: what the activity knew is gone, as in a crash.
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        async with build_worker(world.client, world.task_queue, world.ports), world.relay():
            payment_id = (await paying).view["id"]
            await shop.until(payment_id, "captured")
        assert [entry for entry in await shop.journal("stripe") if entry[0] == "charge"] == [("charge", 4200)]


async def test_temporal_away_delays_and_never_fails(world: World) -> None:
    """The first answer never raises; the order stands, and the relay's wake carries it out."""
    shop = await world.shop("dummypay", "stripe")
    await shop.accounts["dummypay"].fault({"operation": "authorize"}, {"action": "decline", "code": "91"})

    class Away:
        async def first_answer(self, merchant: str, payment_id: str, operation_id: str, budget_s: float) -> None:
            """As if the server did not answer."""

        wake = world.ports.workflows.wake

    real = world.ports
    world.ports = type(real)(
        **{name: getattr(real, name) for name in real.__dataclass_fields__ if name != "workflows"}, workflows=Away()
    )
    answer = await shop.pay(4200)
    assert (answer.status, answer.view["status"]) == (202, "processing")
    async with world.relay():
        assert (await shop.until(answer.view["id"], "captured"))["provider"] == "stripe"
