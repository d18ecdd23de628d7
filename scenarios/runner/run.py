"""A run: every chosen scenario in a world of its own, several at once, judged one by one and once all together."""

import asyncio
import contextlib
import time
import traceback
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

import aiohttp

from scenarios.runner import automata, timeline
from scenarios.runner.evidence import Evidence, Violation
from scenarios.runner.expect import differences
from scenarios.runner.invariants import judge, judge_all
from scenarios.runner.language import Scenario
from scenarios.runner.money import Money
from scenarios.runner.sink import Sink
from scenarios.runner.steps import Player, StepFailed
from scenarios.runner.store import Store
from scenarios.runner.surroundings import Surroundings
from scenarios.runner.topic import Topic
from scenarios.runner.waiting import REST_S, come_to_rest
from scenarios.runner.wire import Control, Unexpected
from scenarios.runner.world import Hub, World, build

AFTER_FAILURE_REST_S = 10.0
"""How long a scenario that has failed anyway may take to come to rest."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One thing that is not as the scenario says, or one broken invariant. `line` is in the scenario file, if known."""

    text: str
    line: int | None = None

    def shown(self, scenario: Scenario) -> str:
        """With the place in the file, where there is one."""
        return f"{scenario.path.name}:{self.line}: {self.text}" if self.line else self.text


@dataclass(slots=True)
class Result:
    """What came of one scenario."""

    scenario: Scenario
    took_s: float = 0.0
    failures: list[Failure] = field(default_factory=list)
    story: list[str] = field(default_factory=list)
    """The payments' timelines, filled in for a scenario that failed."""
    payments: dict[str, str] = field(default_factory=dict)
    merchant: str = ""

    @property
    def passed(self) -> bool:
        """Whether everything was as told and no invariant was broken."""
        return not self.failures


@dataclass(slots=True)
class Verdict:
    """A whole run: the scenarios in the order in which they were chosen, then what was wrong over all of them."""

    results: list[Result]
    overall: list[Violation]
    took_s: float
    seed: int
    worlds: dict[str, World] = field(default_factory=dict)
    steps: list[str] = field(default_factory=list)
    """Of a whole pack: how many steps of each automaton its run has made."""

    @property
    def passed(self) -> bool:
        """The verdict: the exit code of the command."""
        return not self.overall and all(result.passed for result in self.results)


Listener = Callable[[str, Result], None]
"""Called with `began` and `ended` for every scenario."""


@contextlib.asynccontextmanager
async def connected(surroundings: Surroundings) -> AsyncIterator[Hub]:
    """Everything a run shares, open while the block runs; the topic is followed from before its first line."""
    async with contextlib.AsyncExitStack() as stack:
        connector = aiohttp.TCPConnector(limit=0)
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        sink, store = Sink(surroundings.sink_bind, surroundings.sink_host), Store(surroundings.postgres)
        topic = Topic(surroundings.kafka, surroundings.topic)
        for part in (topic, sink, store):
            stack.push_async_callback(part.stop)
            await part.start()
        yield Hub(surroundings, session, Control(session, surroundings.control), sink, topic, store)


async def run(
    surroundings: Surroundings,
    scenarios: Sequence[Scenario],
    *,
    seed: int,
    jobs: int,
    listener: Listener,
    rest_s: float = REST_S,
) -> Verdict:
    """Run scenarios, at most `jobs` at once; exclusive ones afterwards, each alone. Returns the verdict over all.

    `rest_s`: how many seconds a scenario may take to come to rest, at most.
    """
    started = time.monotonic()
    results = {scenario.id: Result(scenario) for scenario in scenarios}
    worlds: dict[str, World] = {}
    async with connected(surroundings) as hub:
        gate = asyncio.Semaphore(jobs)

        async def one(scenario: Scenario) -> None:
            async with gate:
                result = results[scenario.id]
                listener("began", result)
                await _one(hub, result, seed, worlds, rest_s)
                listener("ended", result)

        together = [scenario for scenario in scenarios if not scenario.exclusive]
        together.sort(key=lambda scenario: -scenario.patience_s)  # stable: equals keep their order
        await asyncio.gather(*(one(scenario) for scenario in together))
        for scenario in scenarios:
            if scenario.exclusive:
                await one(scenario)
        overall, steps = await _overall(hub, list(worlds.values()), list(results.values()))
    return Verdict(list(results.values()), overall, time.monotonic() - started, seed, worlds, steps)


async def _one(hub: Hub, result: Result, seed: int, worlds: dict[str, World], rest_s: float) -> None:
    """One scenario, from its world to the verdict. Nothing escapes: what goes wrong is a failure of the scenario."""
    started = time.monotonic()
    try:
        world = worlds[result.scenario.id] = await build(hub, result.scenario, seed)
        result.merchant = world.merchant
        await _play_and_judge(world, result, rest_s)
        result.payments = await world.payments()
        if not result.passed:
            result.story = await _story(world, result)
    except Unexpected as error:
        result.failures.append(Failure(f"the environment did not play along: {error}"))
    except Exception:  # a bug of the runner fails its own scenario, with its trace, and not the whole run
        result.failures.append(Failure(f"the runner broke:\n{traceback.format_exc()}"))
    result.took_s = time.monotonic() - started


async def _play_and_judge(world: World, result: Result, rest_s: float) -> None:
    scenario = world.scenario
    try:
        await Player(world).play()
    except StepFailed as failed:
        result.failures += [Failure(complaint, failed.line) for complaint in failed.complaints]
    still_open = await come_to_rest(world, min(rest_s, AFTER_FAILURE_REST_S) if result.failures else rest_s)
    if still_open:
        result.failures.append(Failure(f"INV-07: not at rest: {'; '.join(still_open)}"))
    if not result.failures or still_open:
        found = differences(scenario.then, await world.observe())
        result.failures += [Failure(str(difference), scenario.then_line) for difference in found]
    result.failures += [Failure(_with_name(world, violation)) for violation in judge(await world.evidence())]


def _with_name(world: World, violation: Violation) -> str:
    names = {asked.payment: name for name, asked in world.asked.items() if asked.verb == "pay"}
    return f"{violation} [{names.get(violation.about, violation.about)}]" if violation.about else str(violation)


async def _story(world: World, result: Result) -> list[str]:
    text: list[str] = []
    for name, payment in result.payments.items():
        text += [f"{name} = {payment}", *(f"  {line}" for line in timeline.lines(await moments(world, payment)))]
    return text


async def moments(world: World, payment: str) -> list[timeline.Moment]:
    """Everything known of one payment of a scenario's world."""
    operations = frozenset(
        operation.id for operation in await world.hub.store.operations(world.merchant) if operation.payment == payment
    )
    found = await timeline.from_database(world.hub.surroundings.postgres, payment)
    found += timeline.from_calls(calls(world), payment)
    for provider, account in world.accounts.items():
        found += timeline.from_requests(provider, await account.requests(), operations)
        journal = (await account.control.call("GET", f"{account.path}/journal"))["entries"]
        found += timeline.from_journal(provider, journal, payment)
    return found


def calls(world: World) -> list[dict[str, object]]:
    """A world's money-moving calls, with the payment that each was about; no bodies (they hold cards)."""
    rows: list[dict[str, object]] = []
    for asked in world.asked.values():
        rows += [
            {
                "started": call.started,
                "ended": call.ended,
                "method": call.method,
                "path": call.path,
                "status": call.status,
                "subject": asked.payment,
            }
            for call in asked.calls
        ]
    return rows


async def _overall(hub: Hub, worlds: list[World], results: list[Result]) -> tuple[list[Violation], list[str]]:
    """Once more over everything: what one scenario did to another's money only shows here. And the steps made."""
    already = {failure.text for result in results for failure in result.failures}
    evidence: list[Evidence] = [await world.evidence() for world in worlds]
    found = [violation for violation in judge_all(evidence) if not any(str(violation) in text for text in already)]
    for currency, off in await hub.store.imbalance():
        found.append(Violation("INV-05", f"the ledger over all merchants is off by {Money(off, currency)}"))
    steps, missing = automata.judge([result.scenario for result in results], evidence)
    return found + missing, steps
