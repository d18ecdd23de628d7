"""Plant a card number in each place that `payera scan` reads: the proof that the scan would see it there."""

import asyncio
import base64
import contextlib
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer
from temporalio.client import Client

from scenarios import pan_places


@contextlib.contextmanager
def planted(env: dict[str, Any], number: str) -> Iterator[list[str]]:
    """The places (as a hit names them) in which `number` lies for the length of the block; removed as far as can be."""
    state = Path(env["state"])
    name = f"pan_scan_{uuid.uuid4().hex[:8]}"
    places = ["PostgreSQL rows", "PostgreSQL files: postgres/data/base", "PostgreSQL files: postgres/data/pg_wal"]
    places += ["Temporal rows", "Temporal files", f"Kafka topic {name}", "process logs", "simulators' state"]
    files = {
        state / "logs" / f"{name}.log": f'{{"event": "charge", "card": "{number}"}}\n'.encode(),
        state / "simulators" / f"{name}.jsonl": b'{"body": "' + base64.b64encode(b"x" + number.encode()) + b'"}\n',
    }
    pan_places.run_sql(env["postgres"], f"create table public.{name} (v text)")
    try:
        pan_places.run_sql(env["postgres"], f"copy public.{name} from stdin;\n{number}\n\\.\n")
        asyncio.run(_plant_message(env["kafka"], name, number))
        asyncio.run(_plant_workflow(env, name, number))
        for path, content in files.items():
            path.write_bytes(content)
        yield places
    finally:
        for path in files:
            path.unlink(missing_ok=True)
        pan_places.run_sql(env["postgres"], f"drop table public.{name}")


async def _plant_message(address: str, topic: str, number: str) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=address)
    await producer.start()
    try:
        grouped = " ".join(number[i : i + 4] for i in range(0, len(number), 4))
        await producer.send_and_wait(topic, f'{{"card": "{grouped}"}}'.encode())
    finally:
        await producer.stop()


async def _plant_workflow(env: dict[str, Any], name: str, number: str) -> None:
    """A workflow that nobody runs, with the number as its input; ended at once."""
    client = await Client.connect(env["temporal"], namespace=env.get("temporal_namespace", "payera"))
    handle = await client.start_workflow(
        name, number.encode().hex(), id=name, task_queue=name, execution_timeout=timedelta(minutes=1)
    )
    await handle.terminate("planted by payera scan --self-test")
