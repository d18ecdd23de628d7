"""The merchants' side: payments at a steady rate, whatever happens, by a client that repeats what was not answered.

Open loop: payment n is sent at n / rate seconds, answered or not, as shoppers do not wait for each other. Where the
connection breaks or the gateway says "not now", the same bytes go out again under the same idempotency key.
"""

import asyncio
import itertools
import json
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from scenarios.runner import cards
from scenarios.runner.wire import Call
from scenarios.runner.world import World

NOT_NOW = frozenset({429, 500, 502, 503, 504})
"""Answers that tell nothing about the payment: ask again."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 2.0
PATIENCE_S = 120.0
"""How long a client goes on asking. Longer than any outage here: giving up would be a finding."""
POLL_S = 0.3
SETTLED = frozenset({"approved", "declined", "not_sent", "absent", "reversed"})
"""An operation that is none of these may still do what it was asked for."""

CARDS = ("visa_approved", "visa_debit_approved", "amex_approved")
REFUSED_CARD = "visa_insufficient_funds"

KINDS = {"sale": 60, "capture": 14, "partial": 8, "refund": 10, "cancel": 6, "refused": 2}
"""What a shopper and a shop do, in percent: sale (captured at once), authorize then capture (in full or the half),
sale then refund (the half), authorize then cancel, a card without funds."""


@dataclass(slots=True)
class Asked:
    """One payment that a merchant wants, and what came of it. Times are `time.monotonic` seconds."""

    number: int
    kind: str
    reference: str
    amount: int
    due: float
    tries: int = 0
    answered: float | None = None
    payment: str | None = None
    last: Call | None = None
    barred: bool = False
    """The gateway refused before anything was begun: the schemes allow no further attempt with this card now."""
    gave_up: str | None = None
    """The request that got no answer within `PATIENCE_S`, or an answer that made no sense."""


@dataclass(slots=True)
class Traffic:
    """The payments of a run, spread over several merchants (`worlds`). `seed` decides what is bought and how."""

    worlds: list[World]
    rate: float
    seed: int
    asked: list[Asked] = field(default_factory=list)
    broken: Counter[str] = field(default_factory=Counter)
    """What clients met instead of an answer: `503`, `ServerDisconnectedError`, … with counts."""
    _stop: asyncio.Event = field(default_factory=asyncio.Event)

    def stop(self) -> None:
        """No new payments from now on; those under way go on."""
        self._stop.set()

    async def run(self) -> None:
        """Send payments until `stop`, then wait until every one was answered or given up."""
        chance = random.Random(self.seed)
        began = time.monotonic()
        number = 0
        async with asyncio.TaskGroup() as group:
            while not self._stop.is_set():
                due = began + number / self.rate
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                kind = chance.choices(list(KINDS), list(KINDS.values()))[0]
                asked = Asked(number, kind, f"chaos-{self.seed}-{number}", chance.randrange(200, 90_000), due)
                self.asked.append(asked)
                world = self.worlds[number % len(self.worlds)]
                group.create_task(self._one(world, asked, chance.choice(CARDS)))
                number += 1

    async def _one(self, world: World, asked: Asked, card: str) -> None:
        captured = asked.kind in {"sale", "refund", "refused"}
        name = REFUSED_CARD if asked.kind == "refused" else card
        body: dict[str, Any] = {
            "amount": asked.amount,
            "currency": "EUR",
            "capture_method": "automatic" if captured else "manual",
            "reference": asked.reference,
            "card": cards.find(world.scenario.route[0], name).body(holder_name="Chaos Monkey"),
        }
        call = await self._ask(world, asked, "/v1/payments", body, "pay")
        asked.answered = time.monotonic()
        if call is None or call.status not in {200, 201, 202}:
            # The schemes' caps on attempts with one card, used up by tries that failed of late. Nothing was begun.
            asked.barred = call is not None and call.json.get("code") == "retry_not_allowed"
            if call is not None and not asked.barred:
                asked.gave_up = f"POST /v1/payments answered {call.status} {call.json.get('code')}"
            return
        asked.payment = str(call.json["id"])
        status = await self._rest(world, asked, str(call.json["status"]))
        await self._follow_up(world, asked, status)

    async def _follow_up(self, world: World, asked: Asked, status: str) -> None:
        half = asked.amount // 2
        if status == "authorized" and asked.kind == "capture":
            await self._until(world, asked, "capture", {}, "captured")
        elif status == "authorized" and asked.kind == "partial":
            await self._until(world, asked, "capture", {"amount": half, "final": True}, "captured")
        elif status == "authorized" and asked.kind == "cancel":
            await self._until(world, asked, "cancel", {}, "canceled")
        elif status == "captured" and asked.kind == "refund":
            await self._must(world, asked, "/v1/refunds", {"payment": asked.payment, "amount": half}, "refund")

    async def _until(self, world: World, asked: Asked, verb: str, body: dict[str, Any], status: str) -> None:
        """Capture or cancel, under another key each time it turns out that the PSP was never reached."""
        path = f"/v1/payments/{asked.payment}"
        deadline = time.monotonic() + PATIENCE_S
        for turn in itertools.count():
            await self._must(world, asked, f"{path}/{verb}", body, f"{verb}-{turn}")
            while asked.gave_up is None and time.monotonic() < deadline:
                # The operations first: what is settled in them shows in the payment that is read after them.
                rows = (await world.gateway.call("GET", f"{path}/operations")).json.get("data")
                call = await world.gateway.call("GET", path)
                if call.status == 200 and call.json["status"] == status:
                    return
                if call.status == 200 and rows and all(row["status"] in SETTLED for row in rows):
                    break
                await asyncio.sleep(POLL_S)
            if asked.gave_up is not None or time.monotonic() > deadline:
                asked.gave_up = asked.gave_up or f"{asked.payment} is not {status} after {PATIENCE_S:g} s"
                return

    async def _must(self, world: World, asked: Asked, path: str, body: dict[str, Any], word: str) -> None:
        call = await self._ask(world, asked, path, body, word)
        if call is not None and call.status not in {200, 201, 202}:
            asked.gave_up = f"POST {path} answered {call.status} {call.json.get('code')}"

    async def _ask(self, world: World, asked: Asked, path: str, body: dict[str, Any], word: str) -> Call | None:
        """The answer to one request, repeated until there is one; None (and `gave_up`) if there is none in time."""
        raw, key = json.dumps(body).encode(), f"{asked.reference}-{word}"
        deadline, pause = time.monotonic() + PATIENCE_S, FIRST_PAUSE_S
        while True:
            call = await world.gateway.call_raw("POST", path, raw, key)
            asked.tries += 1
            asked.last = call
            in_use = call.status == 409 and call.retry_after is not None
            if call.status is not None and call.status not in NOT_NOW and not in_use:
                return call
            self.broken[(call.error or "").partition("(")[0] if call.status is None else str(call.status)] += 1
            if time.monotonic() > deadline:
                asked.gave_up = f"POST {path}: no answer within {PATIENCE_S:g} s, last {call.status} {call.error}"
                return None
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(pause * 2, LONGEST_PAUSE_S)

    async def _rest(self, world: World, asked: Asked, status: str) -> str:
        """The payment's status once it is not `processing` any more."""
        deadline = time.monotonic() + PATIENCE_S
        while status == "processing":
            if time.monotonic() > deadline:
                asked.gave_up = f"{asked.payment} is still processing after {PATIENCE_S:g} s"
                return status
            await asyncio.sleep(POLL_S)
            call = await world.gateway.call("GET", f"/v1/payments/{asked.payment}")
            if call.status == 200:
                status = str(call.json["status"])
            else:
                self.broken["read " + (str(call.status) if call.status else "broken")] += 1
        return status
