"""Histories that were recorded once must run through today's code: what is running somewhere must go on running.

The test proves itself: changes that break running payments are planted in a copy of the workflow, and are found.
"""

import importlib.util
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

import workflows.payment
from gateway.adapters.temporal import data_converter
from tests.workflows.record_histories import FOLDER, KEPT, KEY, SCRIPTS
from workflows.payment import PaymentWorkflow

HISTORIES = sorted(FOLDER.glob("*.json"))
NAMES = frozenset(path.stem for path in HISTORIES)


@dataclass(frozen=True)
class Change:
    """`old` stands once in workflows/payment.py and becomes `new`; `broken` are the histories that cannot go on."""

    name: str
    old: str
    new: str
    broken: frozenset[str]


STEP = "            doing = workflow.start_activity_method(\n                _ACTIVITIES[step.kind],\n"
PERFORM = "        await self._perform(step)\n"
WAIT = "            await self._wait(step.wait_s)\n"
ANOTHER_PLAN = """            await workflow.execute_local_activity_method(
                PaymentActivities.plan, self._payment, schedule_to_close_timeout=policies.PLAN_TIMEOUT
            )
"""
CHANGES = [
    Change("nothing", PERFORM, PERFORM, frozenset()),
    Change("no_command", PERFORM, f'        workflow.logger.debug("a step")\n{PERFORM}', frozenset()),
    Change("behind_a_flag", STEP, f'            if workflow.patched("twice"):\n    {ANOTHER_PLAN}{STEP}', frozenset()),
    Change("an_activity_before_another", STEP, ANOTHER_PLAN + STEP, NAMES),
    Change(
        "a_plan_by_another_kind_of_activity",
        "workflow.execute_local_activity_method(",
        "workflow.execute_activity_method(",
        NAMES,
    ),
    Change("a_timer_before_a_step", PERFORM, f"        await self._pause()\n{PERFORM}", NAMES),
    Change(
        "a_timer_after_what_it_came_before",
        WAIT,
        f"{WAIT}            await self._pause()\n",
        frozenset({"resolved", "woken", "canceled", "told"}),
    ),
    Change(
        "a_timer_left_out",
        "            # The step was done and the plan did not move: whatever the cause, do not spin.\n"
        "            await self._pause()\n",
        "            self._failures += 1\n",
        frozenset({"reviewed"}),
    ),
    Change(
        "another_activity",
        '    "reverse": PaymentActivities.reverse,\n',
        '    "reverse": PaymentActivities.review,\n',
        frozenset({"woken", "canceled", "late_approval"}),
    ),
]


@contextmanager
def changed(change: Change, folder: Path) -> Iterator[type]:
    """The workflow of a copy of its module. Raises `LookupError` where the change has lost its place."""
    text = Path(workflows.payment.__file__).read_text()
    if text.count(change.old) != 1:
        raise LookupError(f"not once in workflows/payment.py, make the change {change.name} anew: {change.old!r}")
    name = f"changed_{uuid.uuid4().hex}"
    path = folder / f"{name}.py"
    path.write_text(text.replace(change.old, change.new))
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        kind: type = module.PaymentWorkflow
        yield kind
    finally:
        del sys.modules[name]


async def replay(kind: type, name: str, text: str) -> Exception | None:
    replayer = Replayer(
        workflows=[kind], data_converter=data_converter(KEY), workflow_runner=UnsandboxedWorkflowRunner()
    )
    history = WorkflowHistory.from_json(name, text)
    return (await replayer.replay_workflow(history, raise_on_replay_failure=False)).replay_failure


def texts() -> dict[str, str]:
    return {path.stem: path.read_text() for path in HISTORIES}


def test_there_is_a_history_for_every_script() -> None:
    assert sorted(NAMES) == sorted({*SCRIPTS, *KEPT})


@pytest.mark.parametrize("name", sorted(NAMES))
async def test_todays_code_replays_it(name: str) -> None:
    assert await replay(PaymentWorkflow, name, texts()[name]) is None


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
async def test_a_change_of_commands_is_found(change: Change, tmp_path: Path) -> None:
    with changed(change, tmp_path) as kind:
        failures = {name: await replay(kind, name, text) for name, text in texts().items()}
    found = {name: failure for name, failure in failures.items() if failure is not None}
    assert found.keys() == change.broken
    assert all(isinstance(failure, workflow.NondeterminismError) for failure in found.values())


def test_a_change_that_lost_its_place_is_made_anew(tmp_path: Path) -> None:
    with (
        pytest.raises(LookupError, match="make the change old anew"),
        changed(Change("old", "gone\n", "", NAMES), tmp_path),
    ):
        pass
