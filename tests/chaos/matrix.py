"""The kill matrix: at every named step of every flow, the api, the worker or Temporal dies; the money must be right.

`python -m tests.chaos.matrix [--seeds 3] [--flows pay refund] [--steps "api send.after" …] [--components api …]`

One environment for all of it. First every flow runs undisturbed under every seed, which tells the steps that it meets.
Then, for each step and component: the payments of all flows that meet the step are held exactly there, the component is
killed with SIGKILL, the payments are let go, the component is started again, everything comes to rest and is judged.
Exit code 0: every cell that can occur has run and all was well; 1: the findings are printed; 2: it could not run.
"""

import argparse
import asyncio
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from compose.embedded import environment
from compose.embedded.shared import temporary_root
from scenarios.runner.invariants import judge
from scenarios.runner.run import connected
from scenarios.runner.supervisor import SupervisorError
from scenarios.runner.surroundings import load
from scenarios.runner.waiting import come_to_rest
from scenarios.runner.wire import Unexpected
from scenarios.runner.world import Hub
from tests.chaos.matrix_flows import FLOWS, JITTER_S, Flow, Run, Unfinished
from tests.chaos.matrix_points import Points, Step, Trap
from tests.chaos.matrix_table import COMPONENTS, STEPS, Cell, table

SETTINGS = {"PAYERA_PSP_TIMEOUT_S": "1.5", "PAYERA_LEASE_S": "4"}
"""Long enough between begin and the fence for a payment to be held, short enough to wait for a recovery each time."""
GATHER_S = 1.0
"""How long the payments that are first at a step wait there for the others: a fence and a lease run meanwhile."""
PATIENT = frozenset({"apply.after", "signal.before", "signal.after", "activity.before", "activity.after"})
GATHER_PATIENT_S = 5.0
"""Where neither runs, they wait longer."""
SLOWEST, HEAD_START_S = "reversal", 0.8
"""It has the longest way to its steps: the others begin later, so that all are there together."""
MEET_WITHIN_S = 15.0
REST_S = 60.0
RESTART_TRIES = 4
TRIES = 3
"""So often in a row nobody comes to a step before it is given up."""
RELAY_EVENTS = 5
"""So many kills of one component at a step of the relay, which takes few orders at a time: the most there are."""
DEAD_S = 0.4
"""A component stays dead for at most so long, a seed of the event decides."""
DEAD_FOR_THE_RELAY_S = 3.0
"""A relay that stands still takes no further order: the others come to its step while the component is dead."""


@dataclass(slots=True)
class Report:
    """What has happened so far. `met`: the steps of each flow's undisturbed runs."""

    met: dict[tuple[str, int], Counter[Step]] = field(default_factory=dict)
    ran: Counter[Cell] = field(default_factory=Counter)
    well: Counter[Cell] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)
    kills: int = 0
    began: float = field(default_factory=time.monotonic)

    @property
    def passed(self) -> bool:
        """Whether nothing was wrong and something was tried."""
        return not self.findings and bool(self.ran)


@dataclass(slots=True)
class Matrix:
    """The whole plan against one environment."""

    hub: Hub
    points: Points
    flows: Sequence[Flow]
    steps: Sequence[Step]
    components: Sequence[str]
    seeds: Sequence[int]
    say: Callable[[str], None] = lambda line: None
    report: Report = field(default_factory=Report)
    _number: int = 0

    async def run(self) -> Report:
        """All of it. Raises `Unexpected`, `SupervisorError` where the environment does not play along."""
        await self._undisturbed()
        for step in self.steps:
            for component in self.components:
                due = [key for key, met in self.report.met.items() if met[step]]
                vain, events = 0, 0
                while due and vain < TRIES and not (step.process == "relay" and events == RELAY_EVENTS):
                    events += 1
                    left = await self._event(step, component, due, again=bool(vain))
                    vain = vain + 1 if len(left) == len(due) else 0
                    due = left
                for flow, seed in due:
                    # Chance has a part in who comes by, most at the relay; a cell is lost if no seed came.
                    if not self.report.ran[Cell(flow, step, component)]:
                        self.report.findings.append(f"{flow} seed {seed}: never again met {step} ({component})")
        return self.report

    async def _undisturbed(self) -> None:
        """Every flow under every seed: it must be well, and it tells its steps."""
        runs = await self._opened([(flow.name, seed) for flow in self.flows for seed in self.seeds])
        for run in runs:
            self.points.forget(run.world.merchant)
        await asyncio.gather(*(self._stage(run) for run in runs))
        await asyncio.gather(*(self._judge(run, None) for run in runs))
        for run in runs:
            self.report.met[run.flow.name, run.seed] = Counter(self.points.seen[run.world.merchant])
        self.say(f"undisturbed: {len(runs)} payments, {self._since():.0f} s")

    async def _opened(self, keys: Iterable[tuple[str, int]]) -> list[Run]:
        """Worlds with everything that leads up to the stage."""
        self._number += 1

        async def one(name: str, seed: int) -> Run:
            run = await FLOWS[name].open(self.hub, seed, self._number)
            await run.flow.prepare(run)
            return run

        return list(await asyncio.gather(*(one(name, seed) for name, seed in keys)))

    async def _event(
        self, step: Step, component: str, keys: list[tuple[str, int]], *, again: bool
    ) -> list[tuple[str, int]]:
        """One kill. Returns those that did not come to the step this time.

        `again`: not all did before; no later pass of the step is waited for then, which may depend on the timing.
        """
        began = time.monotonic()
        runs = await self._opened(keys)
        traps: dict[str, Trap] = {}
        for run in runs:
            met = self.report.met[run.flow.name, run.seed][step]
            trap = traps[run.world.merchant] = Trap(step, 1 if again else 1 + run.seed % met)
            self.points.forget(run.world.merchant)
            self.points.lay(run.world.merchant, trap)
        stages = [asyncio.create_task(self._stage(run, HEAD_START_S * (run.flow.name != SLOWEST))) for run in runs]
        await _gathered(list(traps.values()), stages, _patience_s(step, component))
        await self.hub.surroundings.supervisor.kill(component)
        held = {merchant for merchant, trap in traps.items() if trap.sprung.is_set()}
        if step.process == "relay":
            held |= await _passing(traps)
        for merchant in traps:
            self.points.lift(merchant)
        await asyncio.sleep(random.Random(f"{step} {component} {self._number}").uniform(0, DEAD_S))
        await self._restart(component)
        self.report.kills += 1
        await asyncio.gather(*stages)
        await asyncio.gather(
            *(
                self._judge(run, Cell(run.flow.name, step, component) if run.world.merchant in held else None)
                for run in runs
            )
        )
        slowest = max(runs, key=lambda run: run.took_s)
        self.say(
            f"{step}, {component} killed: {len(held)} of {len(runs)} held, {time.monotonic() - began:.1f} s"
            f" (answered at the latest after {slowest.took_s:.1f} s: {slowest.flow.name} seed {slowest.seed})"
        )
        return [(run.flow.name, run.seed) for run in runs if run.world.merchant not in held]

    async def _restart(self, component: str) -> None:
        """Start it again; a busy machine may be too slow for the first order's own deadline."""
        for left in reversed(range(RESTART_TRIES)):
            try:
                await self.hub.surroundings.supervisor.restart(component)
            except SupervisorError as error:
                if not left:
                    raise
                self.say(f"{component} is slow to come back, ordered once more ({error})")
            else:
                return

    async def _stage(self, run: Run, wait_s: float = 0.0) -> None:
        """The flow itself; what goes wrong is kept for the verdict."""
        await asyncio.sleep(wait_s + run.chance.uniform(0, JITTER_S))
        began = time.monotonic()
        try:
            async with run.redelivering():
                await run.flow.stage(run)
        except (Unfinished, Unexpected) as error:
            run.failed = str(error)
        run.took_s = time.monotonic() - began

    async def _judge(self, run: Run, cell: Cell | None) -> None:
        """True end, one charge, all invariants, by the three sources."""
        found = [run.failed] if run.failed else []
        async with run.redelivering():
            found += [f"INV-07: {why}" for why in await come_to_rest(run.world, REST_S)]
        if run.payment:
            found += await run.flow.shortcomings(run)
        found += [str(violation) for violation in judge(await run.world.evidence())]
        if cell is not None:
            self.report.ran[cell] += 1
            self.report.well[cell] += not found
        where = f"{cell.step}, {cell.component} killed" if cell else "nothing killed at its step"
        for text in found:
            self.report.findings.append(f"{run.flow.name} seed {run.seed} {run.payment} ({where}): {text}")
            self.say(f"FOUND {self.report.findings[-1]}")

    def _since(self) -> float:
        return time.monotonic() - self.report.began


def _patience_s(step: Step, component: str) -> float:
    if step.process == "relay" and component != "api":
        return 0.0  # while it stands, the workflows overtake the orders that it has not taken
    return GATHER_PATIENT_S if step.point in PATIENT else GATHER_S


async def _passing(traps: Mapping[str, Trap]) -> set[str]:
    """Let go whoever is held, and see who else comes by in the next seconds."""
    for trap in traps.values():
        trap.released.set()
    waiting = [asyncio.create_task(trap.sprung.wait()) for trap in traps.values()]
    await asyncio.wait(waiting, timeout=DEAD_FOR_THE_RELAY_S)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    return {merchant for merchant, trap in traps.items() if trap.sprung.is_set()}


async def _gathered(traps: Sequence[Trap], stages: Sequence[asyncio.Task[None]], gather_s: float) -> None:
    """Until every payment is held, or the first has waited long enough, or all have passed by."""
    waiting: set[asyncio.Task[Any]] = {asyncio.create_task(trap.sprung.wait()) for trap in traps}
    over: asyncio.Task[Any] = asyncio.create_task(asyncio.wait(stages))
    try:
        done, _ = await asyncio.wait({*waiting, over}, timeout=MEET_WITHIN_S, return_when=asyncio.FIRST_COMPLETED)
        if over not in done:
            await asyncio.wait(waiting, timeout=gather_s)
    finally:
        for task in (over, *waiting):
            task.cancel()
        await asyncio.gather(over, *waiting, return_exceptions=True)


async def matrix(
    env_file: Path,
    socket: Path,
    *,
    seeds: int,
    flows: Sequence[str] = (),
    steps: Sequence[str] = (),
    components: Sequence[str] = (),
    say: Callable[[str], None] = lambda line: None,
) -> Report:
    """Against a running environment whose processes ask on `socket`. Nothing chosen: everything."""
    points = Points()
    async with points.listening(socket), connected(load(env_file)) as hub:
        plan = Matrix(
            hub,
            points,
            [FLOWS[name] for name in flows or FLOWS],
            [step for step in STEPS if not steps or str(step) in steps],
            components or COMPONENTS,
            range(1, seeds + 1),
            say,
        )
        return await plan.run()


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line: an environment of its own, the matrix, the table."""
    parser = argparse.ArgumentParser(prog="tests.chaos.matrix", description="Kill everybody at every step.")
    parser.add_argument("--seeds", type=int, default=3, help="runs of every cell")
    parser.add_argument("--flows", nargs="+", choices=list(FLOWS), default=[])
    parser.add_argument("--steps", nargs="+", choices=list(map(str, STEPS)), default=[])
    parser.add_argument("--components", nargs="+", choices=COMPONENTS, default=[])
    given = parser.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="payera-matrix-", dir=temporary_root()))
    socket = folder / "points.sock"
    try:
        extra = SETTINGS | {"PAYERA_FAILPOINTS": f"ask:{socket}"}
        environment.up(folder / "state", port_base=0, extra=extra, owner_pid=os.getpid())
        report = asyncio.run(
            matrix(
                folder / "state" / "env.json",
                socket,
                seeds=given.seeds,
                flows=given.flows,
                steps=given.steps,
                components=given.components,
                say=lambda line: print(line, flush=True),
            )
        )
    except (environment.EnvironmentFailed, SupervisorError, Unexpected, Unfinished) as error:
        print(f"could not run: {error}", file=sys.stderr)
        return 2
    finally:
        environment.down(folder / "state")
        shutil.rmtree(folder, ignore_errors=True)
    print(table(report.met, report.ran, report.well, given.components or COMPONENTS))
    print(f"{report.kills} kills, {sum(report.ran.values())} payments held at a step,", end=" ")
    print(f"{sum(report.well.values())} well, {time.monotonic() - report.began:.0f} s")
    for line in report.findings:
        print(f"FOUND {line}")
    return 0 if report.passed else 1


if __name__ == "__main__":
    sys.exit(main())
