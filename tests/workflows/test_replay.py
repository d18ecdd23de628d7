"""Histories that were recorded once must run through today's code: what is running somewhere must go on running."""

from datetime import timedelta
from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from gateway.adapters.temporal import data_converter
from tests.workflows.record_histories import FOLDER, KEY, SCRIPTS
from workflows import versions
from workflows.messages import PaymentRef
from workflows.payment import PaymentWorkflow

HISTORIES = sorted(FOLDER.glob("*.json"))


@workflow.defn(name=versions.PAYMENT)
class WithOneMoreTimer(PaymentWorkflow):
    """A change that somebody might make without a flag."""

    @workflow.init
    def __init__(self, payment: PaymentRef) -> None:
        super().__init__(payment)

    @workflow.run
    async def run(self, payment: PaymentRef) -> None:
        await workflow.sleep(timedelta(seconds=1))
        await super().run(payment)


async def replay(kind: type, name: str, text: str) -> Exception | None:
    replayer = Replayer(
        workflows=[kind], data_converter=data_converter(KEY), workflow_runner=UnsandboxedWorkflowRunner()
    )
    history = WorkflowHistory.from_json(name, text)
    return (await replayer.replay_workflow(history, raise_on_replay_failure=False)).replay_failure


@pytest.fixture
def text(path: Path) -> str:
    return path.read_text()


def test_there_is_a_history_for_every_script() -> None:
    assert [path.stem for path in HISTORIES] == sorted(SCRIPTS)


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
async def test_todays_code_replays_it(path: Path, text: str) -> None:
    assert await replay(PaymentWorkflow, path.stem, text) is None


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
async def test_a_change_of_commands_is_found(path: Path, text: str) -> None:
    failure = await replay(WithOneMoreTimer, path.stem, text)
    assert isinstance(failure, workflow.NondeterminismError)
