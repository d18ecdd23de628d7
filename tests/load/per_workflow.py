"""The design that was not taken: a Temporal workflow for every payment, as bare as it can be.

`python -m tests.load.per_workflow worker ADDRESS QUEUE` serves; `… client ADDRESS QUEUE CONNECTIONS SECONDS` keeps that
many payments under way and prints what it saw, like `tests.load.client`. The worker is another process than the
starter, as it would be for an api, so eager start does not apply. The one local activity does nothing at all.
"""

import asyncio
import json
import os
import signal
import sys
import time
import uuid

from temporalio.client import Client
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from tests.load.bare_payment import BarePayment, charge
from tests.load.client import WARM_S


async def work(address: str, queue: str) -> None:
    """Serve until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    client = await Client.connect(address, namespace="payera")
    runner = SandboxedWorkflowRunner(restrictions=SandboxRestrictions.default.with_passthrough_all_modules())
    async with Worker(client, task_queue=queue, workflows=[BarePayment], activities=[charge], workflow_runner=runner):
        print("ready", flush=True)
        await stop.wait()


async def load(address: str, queue: str, connections: int, seconds: float) -> dict[str, object]:
    """As `tests.load.client.run`."""
    client = await Client.connect(address, namespace="payera")
    latencies: list[float] = []
    start = time.perf_counter() + WARM_S
    end = start + seconds

    async def keep() -> None:
        while (sent := time.perf_counter()) < end:
            await client.execute_workflow(BarePayment.run, "pay", id=f"bench-{uuid.uuid4().hex}", task_queue=queue)
            done = time.perf_counter()
            if start <= done < end:
                latencies.append((done - sent) * 1000)

    await asyncio.gather(*(keep() for _ in range(connections)))
    return {"statuses": {"200": len(latencies)}, "latencies_ms": latencies, "seconds": seconds}


if __name__ == "__main__":
    what, address, queue, *rest = sys.argv[1:]
    if what == "worker":
        asyncio.run(work(address, queue))
    else:
        print(json.dumps(asyncio.run(load(address, queue, int(rest[0]), float(rest[1])))), flush=True)
        # The SDK's own threads may still hold the interpreter while it ends, which aborts the process now and then.
        os._exit(0)
