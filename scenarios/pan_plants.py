"""Plant a card number in each place that `payera scan` reads: the proof that the scan would see it there."""

import asyncio
import base64
import contextlib
import uuid
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer
from temporalio.client import Client

from scenarios import pan_containers, pan_places


@contextlib.contextmanager
def planted(env: dict[str, Any], number: str) -> Iterator[list[str]]:
    """The places (as a hit names them) in which `number` lies for the length of the block; removed as far as can be."""
    name = f"pan_scan_{uuid.uuid4().hex[:8]}"
    data = "postgresql/18/docker" if "containers" in env else "postgres/data"
    places = ["PostgreSQL rows", f"PostgreSQL files: {data}/base", f"PostgreSQL files: {data}/pg_wal"]
    places += ["Temporal rows", "Temporal files", f"Kafka topic {name}"]
    log_line = f'{{"event": "charge", "card": "{number}"}}\n'.encode()
    kept = b'{"body": "' + base64.b64encode(b"x" + number.encode()) + b'"}\n'
    pan_places.run_sql(env["postgres"], f"create table public.{name} (v text)")
    try:
        pan_places.run_sql(env["postgres"], f"copy public.{name} from stdin;\n{number}\n\\.\n")
        asyncio.run(_plant_message(env["kafka"], name, number))
        asyncio.run(_plant_workflow(env, name, number))
        in_files = pan_containers.planted if "containers" in env else _planted_files
        with in_files(env, name, log_line, kept) as more:
            yield [*places, *more]
    finally:
        pan_places.run_sql(env["postgres"], f"drop table public.{name}")


@contextlib.contextmanager
def _planted_files(env: dict[str, Any], name: str, log_line: bytes, kept: bytes) -> Iterator[Iterable[str]]:
    """A line in a log and one in a simulator's state, as files below the environment's folder."""
    state = Path(env["state"])
    files = {state / "logs" / f"{name}.log": log_line, state / "simulators" / f"{name}.jsonl": kept}
    try:
        for path, content in files.items():
            path.write_bytes(content)
        yield ("process logs", "simulators' state")
    finally:
        for path in files:
            path.unlink(missing_ok=True)


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
