"""The flows of the kill matrix, each from a merchant's side: what leads up to it, what is asked, how it must end.

A seed decides card, amount, providers and timing. The client is a shop's server: whatever it is not told it asks again
with the same bytes under the same key; what proved never to have reached the PSP it asks for anew.
"""

import asyncio
import contextlib
import json
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scenarios.runner import cards
from scenarios.runner.language import Scenario
from scenarios.runner.wire import Call
from scenarios.runner.world import Hub, World, build
from tests.chaos.traffic import CARDS, NOT_NOW

PATIENCE_S = 60.0
"""How long a shop goes on asking."""
POLL_S = 0.15
JITTER_S = 0.1
REDELIVERY_S = 1.0
LATER_S = 600
"""The PSP remembers so much later, on its own clock, what it had forgotten."""

ALL_PAIRS = (("stripe", "dummypay"), ("dummypay", "stripe"), ("checkout", "adyen"), ("adyen", "checkout"))
CHANGING = (("checkout", "adyen"), ("stripe", "dummypay"), ("adyen", "checkout"), ("dummypay", "stripe"))
"""What is changed later is changed at the first: two that do it at once, two that only accept it."""
REMEMBERING = (("stripe", "dummypay"), ("stripe", "adyen"), ("stripe", "checkout"))
"""Only Stripe is both asked whether it knows a payment and able to notify of it later."""

Json = dict[str, Any]


class Unfinished(Exception):
    """The shop got no end of it in time."""


@dataclass(slots=True)
class Run:
    """One flow under one seed, in a world of its own: a merchant with one payment."""

    flow: "Flow"
    seed: int
    world: World
    chance: random.Random
    amount: int
    payment: str = ""
    turns: int = 0
    failed: str = ""
    took_s: float = 0.0
    told: list[str] = field(default_factory=list)
    """What the shop met instead of an answer."""

    async def ask(self, path: str, body: Json, key: str) -> Call:
        """The final answer to one request, the same bytes again until it comes. Raises `Unfinished`."""
        raw, deadline = json.dumps(body).encode(), time.monotonic() + PATIENCE_S
        while True:
            call = await self.world.gateway.call_raw("POST", path, raw, key)
            in_use = call.status == 409 and call.retry_after is not None
            if call.status is not None and call.status != 202 and call.status not in NOT_NOW and not in_use:
                return call
            self.told.append(str(call.status or call.error))
            if time.monotonic() > deadline:
                raise Unfinished(f"POST {path}: no end within {PATIENCE_S:g} s: {call.status} {call.error or ''}")
            await asyncio.sleep(POLL_S)

    async def read(self, path: str) -> Json:
        """A resource as it is now, whatever dies meanwhile. Raises `Unfinished`."""
        deadline = time.monotonic() + PATIENCE_S
        while (call := await self.world.gateway.call("GET", path)).status != 200:
            if time.monotonic() > deadline:
                raise Unfinished(f"GET {path}: {call.status} {call.error or ''}")
            await asyncio.sleep(POLL_S)
        return call.json

    async def pay(self, capture: str = "automatic") -> None:
        """Order the payment, until it is at rest."""
        card = cards.find(self.world.scenario.route[0], self.chance.choice(CARDS)).body(holder_name="Ada Lovelace")
        body = {"amount": self.amount, "currency": "EUR", "capture_method": capture, "card": card}
        call = await self.ask("/v1/payments", body, "pay")
        if call.status != 201:
            raise Unfinished(f"the payment was answered {call.status} {call.json.get('code')}")
        self.payment = str(call.json["id"])

    async def change(self, path: str, body: Json, done: Callable[[], Awaitable[bool]]) -> None:
        """Capture, cancel or refund; under another key when it is proved that the PSP was not reached."""
        deadline = time.monotonic() + PATIENCE_S
        while not await done():
            call = await self.ask(path, body, f"change-{self.turns}")
            if await done():
                return
            if call.status not in {200, 201} or time.monotonic() > deadline:
                raise Unfinished(f"POST {path}: {call.status} {call.json.get('code')}, and it is not done")
            self.turns += 1

    @contextlib.asynccontextmanager
    async def redelivering(self) -> AsyncIterator[None]:
        """While the block runs, notifications that met a dead api come again soon, and not in an hour of the PSP's."""

        async def nag() -> None:
            while True:
                await asyncio.sleep(REDELIVERY_S)
                for account in self.world.accounts.values():
                    for row in await account.webhooks():
                        if row["status"] != "delivered" and row["attempts"]:
                            await account.control.call("POST", f"{account.path}/webhooks/{row['event']}/resend")

        nagging = asyncio.create_task(nag())
        try:
            yield
        finally:
            nagging.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await nagging

    async def status(self) -> str:
        return str((await self.read(f"/v1/payments/{self.payment}"))["status"])


@dataclass(frozen=True, slots=True)
class Flow:
    """`prepare` runs undisturbed, `stage` is where processes die. `expected`: payment fields at the end."""

    name: str
    routes: tuple[tuple[str, ...], ...]
    prepare: Callable[[Run], Awaitable[None]]
    stage: Callable[[Run], Awaitable[None]]
    expected: Callable[[Run], Json]
    faults: Callable[[str], list[Json]] = lambda first: []

    async def open(self, hub: Hub, seed: int, number: int) -> Run:
        """A run of this flow. `number` varies what the seed leaves open, so that no two are alike."""
        chance = random.Random(f"{self.name} {seed} {number}")
        route = self.routes[(seed - 1) % len(self.routes)]
        given = {"route": list(route), "max_fallbacks": 1, "faults": {route[0]: self.faults(route[0])}}
        scenario = Scenario(
            pack="chaos",
            name=f"{self.name}-{seed}-{number}",
            title=self.name,
            path=Path(__file__),
            proves=(),
            exclusive=True,
            given=given,
            steps=(),
            then={},
            then_line=1,
        )
        return Run(self, seed, await build(hub, scenario, seed), chance, chance.randrange(1_000, 90_000))

    async def shortcomings(self, run: Run) -> list[str]:
        """What is not as it must be at the end."""
        payment = await run.read(f"/v1/payments/{run.payment}")
        return [
            f"{name} is {payment.get(name)!r}, not {value!r}"
            for name, value in self.expected(run).items()
            if payment.get(name) != value
        ]


async def _nothing(run: Run) -> None:
    """Nothing leads up to it."""


async def _authorize(run: Run) -> None:
    await run.pay("manual")


async def _sale(run: Run) -> None:
    await run.pay()


async def _capture(run: Run) -> None:
    async def done() -> bool:
        return await run.status() == "captured"

    await run.change(f"/v1/payments/{run.payment}/capture", {"amount": run.amount // 2}, done)


async def _cancel(run: Run) -> None:
    async def done() -> bool:
        return await run.status() == "canceled"

    await run.change(f"/v1/payments/{run.payment}/cancel", {}, done)


async def _refund(run: Run) -> None:
    async def done() -> bool:
        return bool((await run.read(f"/v1/payments/{run.payment}"))["amount_refunded"])

    await run.change("/v1/refunds", {"payment": run.payment, "amount": run.amount // 2}, done)


async def _remember(run: Run) -> None:
    """The first PSP finds what it had committed and says so; then wait until that is taken back."""
    account = run.world.accounts[run.world.scenario.route[0]]
    await account.control.call("POST", f"{account.path}/clock", {"advance_s": LATER_S + 1})
    deadline = time.monotonic() + PATIENCE_S
    while (await run.read(f"/v1/payments/{run.payment}/attempts"))["data"][0]["status"] != "reversed":
        if time.monotonic() > deadline:
            raise Unfinished("the late approval was not taken back")
        await asyncio.sleep(POLL_S)


def _captured(run: Run) -> Json:
    return {"status": "captured", "amount_captured": run.amount}


def _by_the_second(run: Run) -> Json:
    return {"status": "captured", "amount_captured": run.amount, "provider": run.world.scenario.route[1]}


def _fault(then: Any, **more: Any) -> list[Json]:
    return [{"when": {"operation": "authorize"}, "then": then, **more}]


FLOWS: Mapping[str, Flow] = {
    flow.name: flow
    for flow in (
        Flow("pay", ALL_PAIRS, _nothing, _sale, _captured),
        Flow(
            "fallback",
            ALL_PAIRS,
            _nothing,
            _sale,
            _by_the_second,
            lambda first: _fault({"action": "decline", "code": "91"}),
        ),
        Flow(
            "unknown",
            ALL_PAIRS,
            _nothing,
            _sale,
            _captured,  # by the second, where it is proved that the first never heard of it
            # Without its notification: how soon that comes decides otherwise whether the key is repeated or read.
            lambda first: _fault([{"action": "commit_then_lose_response", "lose": "reset"}, "webhook_drop"], times=1),
        ),
        Flow(
            "capture",
            CHANGING,
            _authorize,
            _capture,
            lambda run: {"status": "captured", "amount_captured": run.amount // 2},
        ),
        Flow("cancel", CHANGING, _authorize, _cancel, lambda run: {"status": "canceled", "amount_captured": 0}),
        Flow(
            "refund",
            CHANGING,
            _sale,
            _refund,
            lambda run: {"status": "captured", "amount_refunded": run.amount // 2},
        ),
        Flow(
            "reversal",
            REMEMBERING,
            _sale,
            _remember,
            _by_the_second,
            lambda first: _fault(
                [
                    {"action": "server_error", "status": 500, "commit": True},
                    {"action": "hide_from_reads", "seconds": LATER_S},
                    {"action": "webhook_delay", "seconds": LATER_S},
                ],
                times=1,
            ),
        ),
    )
}
"""pay inline, pay with fallback, unknown resolved, capture, cancel, refund, late approval reversed."""
