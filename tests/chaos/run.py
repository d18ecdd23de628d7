"""Load and disruptions against a running environment, then the verdict.

`python -m tests.chaos.run --env-file .payera/env.json --rate 20 --seconds 150 --kill api relay worker kafka=60`

The broker can be killed only where it keeps its data (Apache Kafka: `payera up --kafka apache`, or containers). Exit
code 0: nothing lost, nothing doubled, all invariants hold; 1: the findings are printed; 2: it could not run.
"""

import argparse
import asyncio
import contextlib
import json
import logging
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from scenarios.runner.evidence import Evidence
from scenarios.runner.language import Scenario
from scenarios.runner.run import connected
from scenarios.runner.supervisor import SupervisorError
from scenarios.runner.surroundings import NoEnvironment, load
from scenarios.runner.wire import Unexpected
from scenarios.runner.world import Hub, World, build
from tests.chaos import disruptions, verdict
from tests.chaos.disruptions import Disruption, Monkey
from tests.chaos.traffic import Traffic
from tests.chaos.verdict import Verdict

MERCHANTS = 4
"""Several, so that a payment that reaches the wrong one would be seen."""
REST_S = 120.0
WATCH_EVERY_S = 0.5
FAULTS = [
    {"when": {"operation": "authorize"}, "then": "commit_then_lose_response", "probability": 0.02, "seed": 1},
    {"when": {"operation": "authorize"}, "then": "reset_before_commit", "probability": 0.02, "seed": 2},
    {"when": {"operation": "capture"}, "then": "commit_then_lose_response", "probability": 0.03, "seed": 3},
    {"when": {"operation": "refund"}, "then": "commit_then_lose_response", "probability": 0.03, "seed": 4},
]
"""The first PSP of the route loses answers and connections: work for the worker, which else would have none."""


@dataclass(slots=True)
class Plan:
    """What to do. `seconds` is how long payments are sent at least; disruptions may take longer."""

    rate: float
    seconds: float
    kills: Sequence[Disruption]
    route: tuple[str, ...] = ("stripe", "dummypay")
    seed: int = 1
    pause_s: float = 5.0
    troubled_psps: bool = True


@dataclass(slots=True)
class Outcome:
    """A run that is over."""

    plan: Plan
    traffic: Traffic
    verdict: Verdict
    sent_for_s: float
    rest_s: float
    unrest: list[str] = field(default_factory=list)

    @property
    def findings(self) -> list[str]:
        return [*self.unrest, *self.verdict.findings]


async def run(env_file: Path, plan: Plan, say: Callable[[str], None] = lambda line: None) -> Outcome:
    """Do it. Raises `NoEnvironment`, `Unexpected`, `SupervisorError` where the environment cannot be used."""
    around = load(env_file)
    lasting = _keeps_data(env_file)
    if not lasting and any(each.process == "kafka" for each in plan.kills):
        raise NoEnvironment("its Kafka keeps nothing, killing it proves nothing: `payera up --kafka apache`")
    async with connected(around) as hub:
        worlds = [await build(hub, _scenario(plan, number), plan.seed) for number in range(MERCHANTS)]
        traffic = Traffic(worlds, plan.rate, plan.seed)
        monkey = Monkey(disruptions.one_api(around.supervisor), plan.kills, plan.pause_s, say)
        began = time.monotonic()
        async with _watched(around.postgres, worlds, monkey):
            sending = asyncio.create_task(traffic.run())
            try:
                await monkey.run()
                await asyncio.sleep(max(0.0, began + plan.seconds - time.monotonic()))
                traffic.stop()
                await sending
            finally:
                sending.cancel()
            sent_for = time.monotonic() - began
            say(f"{len(traffic.asked)} payments asked for and answered; coming to rest")
            unrest = await _come_to_rest(hub, worlds)
        rest_s = time.monotonic() - began - sent_for
        evidence: list[Evidence] = [await world.evidence() for world in worlds]
        found = await verdict.judge(around.postgres, evidence, traffic.asked, plan.troubled_psps)
    return Outcome(plan, traffic, found, sent_for, rest_s, unrest)


def _keeps_data(env_file: Path) -> bool:
    env = json.loads(env_file.read_text(encoding="utf-8"))
    return "containers" in env or env.get("broker") == "apache"


def _scenario(plan: Plan, number: int) -> Scenario:
    """The world of one merchant, in the words of the scenario runner."""
    faults = {plan.route[0]: FAULTS} if plan.troubled_psps else {}
    return Scenario(
        pack="chaos",
        name=f"merchant-{number}",
        title="payments go on while processes die",
        path=Path(__file__),
        proves=(),
        exclusive=True,
        given={"route": list(plan.route), "faults": faults},
        steps=(),
        then={},
        then_line=1,
    )


WAITING = """
select (select count(*) from core.outbox u join core.event e using (position) where e.merchant = any($1)),
       (select coalesce(max(extract(epoch from clock_timestamp() - u.created_real)), 0)::float8
          from core.outbox u join core.event e using (position) where e.merchant = any($1)),
       (select coalesce(max(extract(epoch from clock_timestamp() - o.created_real)), 0)::float8
          from core.operation o where o.merchant = any($1) and o.status in ('dispatched', 'unknown', 'pending'))
"""
"""How many events wait for the broker, for how many seconds the oldest has, and the oldest open operation."""


@contextlib.asynccontextmanager
async def _watched(postgres: str, worlds: list[World], monkey: Monkey) -> AsyncIterator[None]:
    """Follow the outbox for as long as the block runs: how much waits, and when a disruption's backlog is gone."""
    task = asyncio.create_task(_watch(postgres, [world.merchant for world in worlds], monkey))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _watch(postgres: str, merchants: list[str], monkey: Monkey) -> None:
    connection = await asyncpg.connect(postgres)
    try:
        while True:
            unsent, oldest_s, open_s = (await connection.fetch(WAITING, merchants))[0]
            each = monkey.current
            if each is not None and each.caught_up is None:
                each.backlog = max(each.backlog, unsent)
                since_healthy = time.monotonic() - each.healthy if each.healthy else 0.0
                if since_healthy and max(oldest_s, open_s) < since_healthy:
                    each.caught_up = time.monotonic()
            await asyncio.sleep(WATCH_EVERY_S)
    finally:
        await connection.close()


async def _come_to_rest(hub: Hub, worlds: list[World]) -> list[str]:
    """Wait until nothing can change by itself; what is still open after `REST_S` seconds."""
    deadline = time.monotonic() + REST_S
    while True:
        still_open: list[str] = []
        for world in worlds:
            unrest = await hub.store.unrest(world.merchant)
            still_open += [f"INV-07: {payment}: {why}" for payment, why in unrest]
            if not unrest:
                still_open += await _not_told(hub, world)
        if not still_open or time.monotonic() > deadline:
            return still_open[:20]
        await asyncio.sleep(WATCH_EVERY_S)


async def _not_told(hub: Hub, world: World) -> list[str]:
    """What is committed and was not yet seen on the topic, or at the merchant's endpoint."""
    committed = {str(event["id"]) for event in await hub.store.events(world.merchant)}
    seen = {str(message.event.get("id")) for message in hub.topic.by_merchant[world.merchant]}
    told = {one.id for one in hub.sink.boxes[world.merchant].received}
    lacking = [f"INV-09: {event} is not on the topic" for event in committed - seen if not hub.topic.broken]
    return lacking + [f"INV-14: {event} has not reached the merchant" for event in committed - told]


def table(outcome: Outcome) -> str:
    """The report, for people."""
    traffic, plan = outcome.traffic, outcome.plan
    lines = [
        f"{len(traffic.asked)} payments in {outcome.sent_for_s:.0f} s ({plan.rate:g}/s asked),"
        f" at rest {outcome.rest_s:.1f} s later",
        f"{'killed':12}{'dead s':>8}{'back after s':>14}{'caught up s':>13}{'events waiting':>16}",
    ]
    for each in plan.kills:
        caught = f"{each.caught_up - each.healthy:.1f}" if each.caught_up is not None else "never seen"
        back = f"{each.healthy - each.killed - each.down_s:.1f}"
        lines.append(f"{each.process:12}{each.down_s:8.1f}{back:>14}{caught:>13}{each.backlog:16}")
    waits = sorted(each.answered - each.due for each in traffic.asked if each.answered is not None)
    if waits:
        at = {share: waits[min(len(waits) - 1, int(len(waits) * share))] for share in (0.5, 0.95, 0.99)}
        spread = ", ".join(f"p{share * 100:.0f} {value * 1000:.0f} ms" for share, value in at.items())
        lines.append(f"answers: {spread}, slowest {waits[-1]:.1f} s")
    lines.append(f"barred by the schemes' caps before anything began: {sum(each.barred for each in traffic.asked)}")
    again = sum(1 for each in traffic.asked if each.tries > 1)
    lines.append(f"asked more than once: {again}; met instead of an answer: {dict(traffic.broken) or 'nothing'}")
    lines.append("ended: " + ", ".join(f"{count} {word}" for word, count in sorted(outcome.verdict.statuses.items())))
    lines += [f"{name:24}{value:>14}" for name, value in outcome.verdict.figures.items()]
    lines += [f"FOUND {line}" for line in outcome.findings[:40]]
    lines.append("FAILED" if outcome.findings else "nothing lost, nothing doubled, all invariants hold")
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.run", description=__doc__)
    parser.add_argument("--env-file", type=Path, default=Path(".payera/env.json"))
    parser.add_argument("--rate", type=float, default=20.0, help="payments per second")
    parser.add_argument("--seconds", type=float, default=60.0, help="at least so long")
    parser.add_argument("--kill", nargs="*", default=["api", "worker", "relay"], metavar="NAME[=SECONDS]")
    parser.add_argument("--pause", type=float, default=5.0, help="seconds between disruptions")
    parser.add_argument("--route", nargs="+", default=["stripe", "dummypay"])
    parser.add_argument("--seed", type=int, default=int(time.time()) % 1_000_000)
    given = parser.parse_args(arguments)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # that the broker is away is known: it was killed here
    try:
        kills = [disruptions.parse(word) for word in given.kill]
        plan = Plan(given.rate, given.seconds, kills, tuple(given.route), given.seed, given.pause)
        outcome = asyncio.run(run(given.env_file, plan, lambda line: print(line, flush=True)))
    except (NoEnvironment, Unexpected, SupervisorError, ValueError) as error:
        print(f"chaos: {error}", file=sys.stderr)
        return 2
    print(table(outcome))
    return 1 if outcome.findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
