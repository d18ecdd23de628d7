"""The worker: runs the payments that outlive a request. Composition root; serves `/healthz` and `/metrics`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path

from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from gateway.adapters.background import PeerAway, run_parts, run_process
from gateway.adapters.clock import SystemClock
from gateway.adapters.egress import EgressPolicy
from gateway.adapters.failpoints import failpoints_of
from gateway.adapters.health import Health
from gateway.adapters.keys import load_keys
from gateway.adapters.postgres import Database
from gateway.adapters.temporal import TemporalWorkflows, data_converter
from gateway.adapters.temporal_traces import TraceInterceptor
from gateway.adapters.vault import EnvelopeVault
from gateway.connectors.http import HttpClient
from gateway.connectors.registry import discover
from gateway.metrics import MeasuredStore
from gateway.observability import MeasuredConnectors
from gateway.settings import Settings
from gateway.use_cases.ports import Ports
from workflows.activities import PaymentActivities
from workflows.payment import PaymentWorkflow

CHECK_EVERY_S = 2.0
STICKY_TIMEOUT = timedelta(seconds=2)
"""How long the payments of a worker that died wait for it before another takes them (Temporal's own default: 10 s)."""
ACTIVITIES_AT_ONCE = 100


async def main(settings: Settings, health: Health, stop: asyncio.Event) -> None:
    """Work until `stop`; every peer may come and go meanwhile."""

    async def work() -> None:
        async with open_worker(settings) as (worker, client):
            health.ok("worker")
            async with asyncio.TaskGroup() as group:
                checking = group.create_task(_watch(client, health))
                await worker.run()
                checking.cancel()

    health.failing("worker", "starting")
    await run_parts(health, {"worker": work}, stop)


@asynccontextmanager
async def open_worker(settings: Settings) -> AsyncIterator[tuple[Worker, Client]]:
    """A worker over everything it needs. Raises `StoreUnavailable`, `PeerAway`, `VaultFailed`."""
    async with AsyncExitStack() as stack:
        test = settings.profile == "test"
        keys = load_keys(settings.keys or Path())
        database = await stack.enter_async_context(Database(settings.database))
        egress = EgressPolicy(test=test, allow_hosts=settings.egress_allow)
        failpoints = failpoints_of(settings.failpoints, "worker")
        reached = failpoints.reach if settings.failpoints else None
        http = await stack.enter_async_context(
            HttpClient(egress.check_url, resolver=egress.resolver(), reached=reached)
        )
        client = await _connect(settings, keys.codec)
        ports = Ports(
            store=MeasuredStore(database),
            vault=EnvelopeVault(keys, database, test_only=test),
            connectors=MeasuredConnectors(discover(http)),
            workflows=TemporalWorkflows(client, settings.task_queue),
            clock=SystemClock(),
            timing=settings.timing,
            failpoints=failpoints,
        )
        yield build_worker(client, settings.task_queue, ports), client


def build_worker(client: Client, task_queue: str, ports: Ports) -> Worker:
    """The sandbox stays; our own modules pass through it, since workflows import domain and use cases only."""
    restrictions = SandboxRestrictions.default.with_passthrough_modules("gateway", "workflows", "structlog")
    return Worker(
        client,
        task_queue=task_queue,
        workflows=[PaymentWorkflow],
        activities=PaymentActivities(ports).all,
        workflow_runner=SandboxedWorkflowRunner(restrictions=restrictions),
        max_concurrent_activities=ACTIVITIES_AT_ONCE,
        # A send that is under way ends by itself within the PSP's timeout; whatever is cut off is recovered.
        graceful_shutdown_timeout=timedelta(seconds=ports.timing.psp_timeout_s),
        sticky_queue_schedule_to_start_timeout=STICKY_TIMEOUT,
    )


async def _connect(settings: Settings, codec_key: bytes) -> Client:
    try:
        return await Client.connect(
            settings.temporal or "",
            namespace=settings.temporal_namespace,
            data_converter=data_converter(codec_key),
            interceptors=[TraceInterceptor()],
        )
    except (RPCError, RuntimeError) as error:
        raise PeerAway(f"temporal is away: {type(error).__name__}") from None


async def _watch(client: Client, health: Health) -> None:
    """The SDK polls on through an outage by itself; `/healthz` says so."""
    while True:
        try:
            await client.service_client.check_health(timeout=timedelta(seconds=CHECK_EVERY_S))
            health.ok("worker")
        except (RPCError, RuntimeError):
            health.failing("worker", "temporal is away")
        await asyncio.sleep(CHECK_EVERY_S)


if __name__ == "__main__":
    run_process("worker", ("database", "temporal", "keys"), main)
