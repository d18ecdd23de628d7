"""A sample of the kill matrix, and the proof that its harness holds, counts and complains. All of it: docs/chaos.md."""

import asyncio
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from compose.embedded import environment
from compose.embedded.shared import temporary_root
from gateway.adapters.failpoints import AskingFailpoints
from tests.chaos.matrix import SETTINGS, Report, matrix
from tests.chaos.matrix_points import Points, Step, Trap
from tests.chaos.matrix_table import COMPONENTS, STEPS, Cell, table

SAMPLE = [
    ("api send.after", "api", ("pay", "unknown", "capture", "cancel", "refund")),
    ("worker begin.after", "worker", ("fallback", "unknown", "reversal")),
    ("worker activity.after", "temporal", ("fallback", "unknown", "reversal")),
]
"""Step, who dies there, and the flows that are held meanwhile: eleven cells."""


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="payera-matrix-", dir=temporary_root()))
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_money_is_right_whoever_dies_in_the_middle(folder: Path) -> None:
    socket = folder / "points.sock"
    environment.up(
        folder / "state",
        port_base=0,
        extra=SETTINGS | {"PAYERA_FAILPOINTS": f"ask:{socket}"},
        owner_pid=os.getpid(),
    )
    try:
        for step, component, flows in SAMPLE:
            report = asyncio.run(
                matrix(
                    folder / "state" / "env.json",
                    socket,
                    seeds=1,
                    flows=flows,
                    steps=[step],
                    components=[component],
                    say=print,
                )
            )
            assert report.findings == []
            assert {(cell.flow, cell.component) for cell in report.ran} == {(flow, component) for flow in flows}
            assert report.well == report.ran
            assert report.kills >= 1
    finally:
        environment.down(folder / "state")


async def test_a_payment_is_held_where_it_shall_be_and_nowhere_else(folder: Path) -> None:
    points, socket = Points(), folder / "points.sock"
    api, worker = AskingFailpoints("api", socket), AskingFailpoints("worker", socket)
    step = Step("api", "send.after")
    async with points.listening(socket):
        trap = Trap(step, occurrence=2)
        points.lay("mer_1", trap)
        await api.reach("send.after", "mer_1")  # the first time
        await worker.reach("send.after", "mer_1")
        await api.reach("send.after", "mer_2")
        assert trap.left == 1
        held = asyncio.create_task(api.reach("send.after", "mer_1"))
        await asyncio.wait_for(trap.sprung.wait(), 10)
        assert not held.done()
        await api.reach("send.after", "mer_2")
        points.lift("mer_1")
        await held
        await api.reach("send.after", "mer_1")
    assert points.seen["mer_1"].count(step) == 3
    assert points.seen["mer_2"] == [step, step]
    await api.reach("send.after", "mer_1")  # nobody listens any more


def test_the_table_says_what_ran_what_failed_and_what_cannot_be() -> None:
    steps = Counter({step: 1 for step in STEPS if step.process == "api"})
    first = Step("api", "begin.before")
    met = {("pay", 1): steps - Counter({Step("api", "signal.before"): 1, Step("api", "signal.after"): 1})}
    ran = {Cell("pay", first, "api"): 3, Cell("pay", first, "worker"): 3}
    text = table(met, ran, {Cell("pay", first, "api"): 3, Cell("pay", first, "worker"): 2}, COMPONENTS)
    lines = text.splitlines()
    assert lines[2].split() == ["api", "begin.before", "3/3", "2/3", "."]
    assert lines[3].split() == ["api", "begin.after", ".", ".", "."]
    assert lines[10].split() == ["api", "signal.before", "–"]
    assert "  at rest with the PSP's answer: no workflow is needed:" in lines
    assert "    pay: api signal.before, api signal.after" in lines


def test_a_finding_fails_the_run() -> None:
    ran = Counter({Cell("pay", STEPS[0], "api"): 1})
    assert Report(ran=ran).passed
    assert not Report().passed, "nothing has run"
    assert not Report(ran=ran, findings=["INV-01: charged 2 times"]).passed
