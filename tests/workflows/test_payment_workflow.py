"""The workflow by itself, with scripted activities: on a server that skips time, and on the real dev server."""

import asyncio
import contextlib
import shutil
import sys
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowFailureError, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from gateway.adapters import temporal
from gateway.adapters.temporal import TemporalWorkflows, connect, data_converter
from tests.parts import Parts
from tests.workflows.scripted import DONE, Scripted, refused
from tests.workflows.world import until
from workflows import policies, versions
from workflows.messages import PaymentRef, PlannedStep
from workflows.payment import PaymentWorkflow

KEY = bytes(range(32))
PAYMENT = PaymentRef("mer_1", "pay_1")
RESOLVE = PlannedStep("resolve", "att_1", "idempotent_replay")
DAY_S = 86400.0


def server_binary() -> str:
    beside = Path(sys.executable).parent / "temporal-test-server"
    return str(beside) if beside.exists() else shutil.which("temporal-test-server") or ""


@contextlib.asynccontextmanager
async def working(client: Client, script: Scripted) -> AsyncIterator[str]:
    queue = f"test-{uuid.uuid4().hex[:12]}"
    async with Worker(client, task_queue=queue, workflows=[PaymentWorkflow], activities=script.all):
        yield queue


@pytest.fixture
async def skipping() -> AsyncIterator[WorkflowEnvironment]:
    """A server on which a wait of days takes no time."""
    environment = await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=server_binary(), data_converter=data_converter(KEY)
    )
    async with environment:
        yield environment


async def run(environment: WorkflowEnvironment, script: Scripted) -> WorkflowHandle[PaymentWorkflow, None]:
    async with working(environment.client, script) as queue:
        handle = await environment.client.start_workflow(
            PaymentWorkflow.run, PAYMENT, id=f"pay-{uuid.uuid4().hex}", task_queue=queue
        )
        await handle.result()
        return handle


async def test_it_does_one_step_per_plan_until_nothing_is_left(skipping: WorkflowEnvironment) -> None:
    script = Scripted(RESOLVE, PlannedStep("attempt"), PlannedStep("reverse", "att_1"), DONE)
    await run(skipping, script)
    assert script.seen == [
        "plan",
        "resolve att_1 idempotent_replay",
        "plan",
        "attempt",
        "plan",
        "reverse att_1",
        "plan",
    ]


async def test_it_waits_for_days_without_a_process_waiting(skipping: WorkflowEnvironment) -> None:
    script = Scripted(*[PlannedStep("wait", wait_s=DAY_S)] * 30, PlannedStep("review", "att_1", "no_proof"), DONE)
    before = await skipping.get_current_time()
    await run(skipping, script)
    assert script.steps == ["review att_1 no_proof"]
    assert (await skipping.get_current_time()) - before >= timedelta(days=30)


async def test_a_failed_step_is_followed_by_a_plan_and_never_by_itself(skipping: WorkflowEnvironment) -> None:
    def fail() -> None:
        raise ApplicationError("connection lost", type="store_unavailable")

    script = Scripted(PlannedStep("attempt"), RESOLVE, DONE, on={"attempt": fail})
    await run(skipping, script)
    assert script.seen == ["plan", "attempt", "plan", "resolve att_1 idempotent_replay", "plan"]


async def test_a_plan_that_fails_is_made_again_after_a_pause(skipping: WorkflowEnvironment) -> None:
    away = [ApplicationError("away", type="store_unavailable") for _ in range(8)]
    script = Scripted(*away, RESOLVE, DONE)
    await run(skipping, script)
    assert script.steps == ["resolve att_1 idempotent_replay"]


async def test_a_step_that_changes_nothing_does_not_spin(skipping: WorkflowEnvironment) -> None:
    script = Scripted(*[RESOLVE] * 12, DONE)
    before = await skipping.get_current_time()
    await run(skipping, script)
    assert len(script.steps) == 12
    pauses_s = sum(policies.pause_s(count) for count in range(1, 12))
    assert (await skipping.get_current_time()) - before >= timedelta(seconds=pauses_s)


async def test_a_payment_that_nobody_knows_ends_the_workflow(skipping: WorkflowEnvironment) -> None:
    with pytest.raises(WorkflowFailureError) as failure:
        await run(skipping, Scripted(refused("payment_not_found")))
    assert isinstance(failure.value.cause, ApplicationError)
    assert failure.value.cause.type == "payment_not_found"


async def test_the_history_is_bounded_whatever_a_psp_does(skipping: WorkflowEnvironment) -> None:
    script = Scripted(*[PlannedStep("wait", wait_s=60)] * (policies.ROUNDS_MAX + 20), DONE)
    await run(skipping, script)
    assert script.seen.count("plan") == policies.ROUNDS_MAX + 21


@pytest.fixture
async def client(parts: Parts) -> Client:
    return await Client.connect(parts.temporal, namespace="payera", data_converter=data_converter(KEY))


async def test_the_first_answer_comes_when_the_payment_rests_or_waits_for_others(client: Client) -> None:
    script = Scripted(RESOLVE, PlannedStep("wait", wait_s=3600, resting=True))
    async with working(client, script) as queue:
        payment_id = f"pay_{uuid.uuid4().hex}"
        loop = asyncio.get_running_loop()
        began = loop.time()
        await TemporalWorkflows(client, queue).first_answer("mer_1", payment_id, "att_1", 5)
        assert loop.time() - began < 4
        assert script.steps == ["resolve att_1 idempotent_replay"]
        script.plans = [DONE]
        await TemporalWorkflows(client, queue).wake("mer_1", payment_id)
        await client.get_workflow_handle(payment_id).result()


async def test_a_wake_interrupts_a_wait_and_starts_what_does_not_run(client: Client) -> None:
    script = Scripted(PlannedStep("wait", wait_s=3600, resting=False))
    async with working(client, script) as queue:
        payment_id = f"pay_{uuid.uuid4().hex}"
        workflows = TemporalWorkflows(client, queue)
        await workflows.wake("mer_1", payment_id)

        async def planned() -> bool:
            return len(script.seen) == 1

        await until(planned, 5)
        script.plans = [RESOLVE, DONE]
        await workflows.wake("mer_1", payment_id)
        await client.get_workflow_handle(payment_id).result()
        assert script.steps == ["resolve att_1 idempotent_replay"]
        script.plans, first = [DONE], await client.get_workflow_handle(payment_id).describe()
        await workflows.wake("mer_1", payment_id)  # completed: the payment gets a new run under the same id
        await client.get_workflow_handle(payment_id).result()
        assert (await client.get_workflow_handle(payment_id).describe()).run_id != first.run_id


async def test_two_operations_of_one_payment_each_get_their_own_answer(client: Client) -> None:
    script = Scripted(DONE)
    async with working(client, script) as queue:
        payment_id = f"pay_{uuid.uuid4().hex}"
        workflows = TemporalWorkflows(client, queue)
        await workflows.first_answer("mer_1", payment_id, "att_1", 5)
        script.plans = [RESOLVE, DONE]
        await workflows.first_answer("mer_1", payment_id, "cap_1", 5)
        assert script.steps == ["resolve att_1 idempotent_replay"]


async def test_without_a_worker_or_a_server_the_first_answer_gives_up_quietly(client: Client) -> None:
    payment_id = f"pay_{uuid.uuid4().hex}"
    await TemporalWorkflows(client, "nobody-polls").first_answer("mer_1", payment_id, "att_1", 1.0)
    # It is running all the same, and is finished once a worker comes.
    handle = client.get_workflow_handle(payment_id)
    assert (await handle.describe()).status == WorkflowExecutionStatus.RUNNING
    await handle.terminate()

    nobody = await connect("127.0.0.1:9", "payera", KEY)
    away = TemporalWorkflows(nobody, "nobody-polls")
    await away.first_answer("mer_1", payment_id, "att_1", 0.3)
    with pytest.raises(ConnectionError):
        await away.wake("mer_1", payment_id)


async def test_a_call_cut_off_by_our_own_time_limit_cancels_nobody_else(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit falls while the RPC runs: the SDK leaves that cancellation in the handle. The caller's own is kept."""
    monkeypatch.setattr(temporal, "_GRACE_S", -4.9)
    workflows = TemporalWorkflows(client, "nobody-polls")
    payment_id = f"pay_{uuid.uuid4().hex}"
    await workflows.first_answer("mer_1", payment_id, "att_1", 5)
    monkeypatch.undo()
    caller = asyncio.create_task(workflows.first_answer("mer_1", payment_id, "att_1", 30))
    await asyncio.sleep(0)
    caller.cancel()
    await asyncio.wait([caller], timeout=5)
    assert caller.cancelled()
    with contextlib.suppress(RPCError):  # it may have been started before it was cut off
        await client.get_workflow_handle(payment_id).terminate()


async def test_nothing_readable_is_kept_by_the_server(client: Client) -> None:
    def fail() -> None:
        raise ApplicationError("a detail that must not be read", type="store_unavailable")

    script = Scripted(PlannedStep("attempt"), RESOLVE, DONE, on={"attempt": fail})
    async with working(client, script) as queue:
        payment_id = f"pay_{uuid.uuid4().hex}"
        handle = await client.start_workflow(
            PaymentWorkflow.run,
            PaymentRef("mer_secret", payment_id),
            id=payment_id,
            task_queue=queue,
            id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
        )
        await handle.result()
        text = (await handle.fetch_history()).to_json()
    for word in ("mer_secret", "idempotent_replay", "a detail that must not be read", 'attempt\\"'):
        assert word not in text
    assert versions.PAYMENT in text


async def canceled(client: Client, payment_id: str) -> bool:
    return (await client.get_workflow_handle(payment_id).describe()).status == WorkflowExecutionStatus.CANCELED


async def test_a_cancel_ends_it_after_the_step_under_way(client: Client) -> None:
    """Goal: an operator's cancel cuts no step off, is not forgotten, and leaves no caller behind; a wake goes on."""
    script = Scripted(RESOLVE, PlannedStep("attempt"), DONE)
    script.hold = asyncio.Event()
    async with working(client, script) as queue:
        payment_id = f"pay_{uuid.uuid4().hex}"
        workflows = TemporalWorkflows(client, queue)
        caller = asyncio.create_task(workflows.first_answer("mer_1", payment_id, "att_1", 30))

        async def looking() -> bool:
            return script.steps != []

        await until(looking, 20)
        handle = client.get_workflow_handle(payment_id)
        await handle.cancel()
        script.hold.set()
        await until(lambda: canceled(client, payment_id), 20)
        await asyncio.wait_for(caller, 20)
        assert script.seen == ["plan", "resolve att_1 idempotent_replay", "resolved"]
        await workflows.wake("mer_1", payment_id)
        await client.get_workflow_handle(payment_id).result()
        assert script.seen[3:] == ["plan", "attempt", "plan"]


async def test_a_cancel_ends_a_wait_at_once(client: Client) -> None:
    script = Scripted(PlannedStep("wait", wait_s=3600, resting=True))
    async with working(client, script) as queue:
        payment_id = f"pay_{uuid.uuid4().hex}"
        await TemporalWorkflows(client, queue).first_answer("mer_1", payment_id, "att_1", 20)
        await client.get_workflow_handle(payment_id).cancel()
        await until(lambda: canceled(client, payment_id), 20)
        assert script.seen == ["plan"]
