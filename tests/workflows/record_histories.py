"""Records the histories that the replay test runs: `python -m tests.workflows.record_histories [NAME …]`.

Without a name it records the scripts that have no history yet. Add a script when a workflow gets a new name, a flag in
`workflows/versions.py` or a new kind of way, and keep the old files: they are what may still be running somewhere.
Everything in them is scripted; the payloads are sealed with a key that is no secret.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import Path

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from compose.embedded.temporal import binary
from gateway.adapters.temporal import TemporalWorkflows, data_converter
from tests.workflows.scripted import DONE, Scripted
from tests.workflows.world import until
from workflows.messages import PlannedStep
from workflows.payment import PaymentWorkflow

FOLDER = Path(__file__).parent / "histories"
KEY = bytes(range(32))
QUEUE = "histories"

RESOLVE = PlannedStep("resolve", "att_1", "idempotent_replay")
READ = PlannedStep("resolve", "att_1", "read_by_reference")
SOON = PlannedStep("wait", wait_s=0.05)
REST = PlannedStep("wait", wait_s=3600, resting=True)


def _away() -> None:
    raise ApplicationError("away", type="store_unavailable")


async def _resolved(workflows: TemporalWorkflows, script: Scripted) -> None:
    script.plans = [RESOLVE, SOON, READ, SOON, READ, DONE]
    await workflows.first_answer("mer_1", "resolved", "att_1", 10)


async def _cascade(workflows: TemporalWorkflows, script: Scripted) -> None:
    script.plans = [PlannedStep("attempt"), RESOLVE, DONE]
    script.on = {"attempt": _away}
    await workflows.first_answer("mer_1", "cascade", "att_1", 10)


async def _woken(workflows: TemporalWorkflows, script: Scripted) -> None:
    script.plans = [REST]
    await workflows.first_answer("mer_1", "woken", "att_1", 10)
    script.plans = [READ, PlannedStep("reverse", "att_1"), DONE]
    await workflows.wake("mer_1", "woken")


async def _reviewed(workflows: TemporalWorkflows, script: Scripted) -> None:
    script.plans = [ApplicationError("away", type="store_unavailable") for _ in range(5)]
    script.plans += [READ, READ, PlannedStep("review", "att_1", "no_proof"), DONE]
    await workflows.wake("mer_1", "reviewed")


async def _fallback(workflows: TemporalWorkflows, script: Scripted) -> None:
    """The first PSP declined, the second approves at once."""
    script.plans = [PlannedStep("attempt"), DONE]
    await workflows.first_answer("mer_1", "fallback", "att_1", 10)


async def _canceled(workflows: TemporalWorkflows, script: Scripted) -> None:
    """Nobody knows, the merchant cancels, the approval turns up and is voided; the void is only accepted at first."""
    script.plans = [REST]
    await workflows.first_answer("mer_1", "canceled", "att_1", 10)
    script.plans = [READ, PlannedStep("reverse", "att_1", "void"), SOON]
    script.plans += [PlannedStep("resolve", "void_1", "read_by_provider_reference"), DONE]
    await workflows.wake("mer_1", "canceled")


async def _late_approval(workflows: TemporalWorkflows, script: Scripted) -> None:
    """The next run of a payment whose fallback won: the first PSP says that it had approved, and is paid back."""
    script.plans = [DONE]
    await workflows.first_answer("mer_1", "late_approval", "att_1", 10)
    script.plans = [READ, PlannedStep("reverse", "att_1", "refund"), DONE]
    await workflows.wake("mer_1", "late_approval")


async def _told(workflows: TemporalWorkflows, script: Scripted) -> None:
    """A notification that is the truth is applied; what it contradicts is a person's."""
    script.plans = [REST]
    await workflows.first_answer("mer_1", "told", "att_1", 10)
    script.plans = [PlannedStep("resolve", "att_1", "webhook"), PlannedStep("review", "att_1", "conflict"), DONE]
    await workflows.wake("mer_1", "told")


async def _ended(workflows: TemporalWorkflows, script: Scripted) -> None:
    """An operator cancels the workflow in the middle of a step: the step is finished, and nothing follows it."""
    script.plans, script.hold = [READ, DONE], asyncio.Event()
    await workflows.wake("mer_1", "ended")

    handle = workflows._client.get_workflow_handle("ended")

    async def looking() -> bool:
        return script.steps != []

    async def told() -> bool:
        """The workflow has taken note: a task of its came after the request."""
        events = [event.event_type for event in (await handle.fetch_history()).events]
        request = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED
        return request in events and EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED in events[events.index(request) :]

    await until(looking, 30)
    await handle.cancel()
    await until(told, 30)
    script.hold.set()


SCRIPTS: dict[str, Callable[[TemporalWorkflows, Scripted], Awaitable[None]]] = {
    "resolved": _resolved,
    "cascade": _cascade,
    "woken": _woken,
    "reviewed": _reviewed,
    "fallback": _fallback,
    "canceled": _canceled,
    "late_approval": _late_approval,
    "told": _told,
    "ended": _ended,
}
KEPT = ("cancel_swallowed",)
"""Recorded by code that is gone, as it may still be running somewhere: `ended` before the flag CANCEL_ENDS."""


async def record(client: Client, folder: Path, names: Sequence[str]) -> None:
    """Write one file per script."""
    for name in names:
        play = SCRIPTS[name]
        script = Scripted(DONE)
        async with Worker(
            client, task_queue=QUEUE, workflows=[PaymentWorkflow], activities=script.all, identity="recorder"
        ):
            await play(TemporalWorkflows(client, QUEUE), script)
            handle = client.get_workflow_handle(name)

            async def closed() -> bool:
                return (await handle.describe()).close_time is not None  # noqa: B023 - awaited in this round

            await until(closed, 30)
            (folder / f"{name}.json").write_text((await handle.fetch_history()).to_json() + "\n")


async def main(names: Sequence[str]) -> None:
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=binary(), data_converter=data_converter(KEY)
    ) as environment:
        target = environment.client.service_client.config.target_host
        client = await Client.connect(target, identity="recorder", data_converter=data_converter(KEY))
        await asyncio.wait_for(record(client, FOLDER, names), timedelta(minutes=2).total_seconds())


if __name__ == "__main__":
    new = [name for name in SCRIPTS if not (FOLDER / f"{name}.json").exists()]
    sys.exit(asyncio.run(main(sys.argv[1:] or new)))
