"""The events on Kafka, followed from the moment before the run.

A follower takes every partition by itself (no group, nothing committed) from the end that it finds at its start; what
comes later is kept per merchant. The broker may drop old messages, so a payment whose first event seen is not its
sequence 1 has a gap at its beginning: then the stream cannot be judged, and that fails (see `invariants.stream`).
"""

import asyncio
import contextlib
import json
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the topic. `event` is empty if the value is no JSON object."""

    partition: int
    offset: int
    key: str
    event: dict[str, Any]


class Topic:
    """Follows one topic; `by_merchant` fills as messages come."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        # Without a group every partition of the topic is taken at once, and asking for the topic also makes it exist.
        self._consumer = AIOKafkaConsumer(
            topic,
            bootstrap_servers=bootstrap,
            enable_auto_commit=False,
            auto_offset_reset="latest",
            fetch_max_wait_ms=100,
        )
        self._task: asyncio.Task[None] | None = None
        self.by_merchant: dict[str, list[Message]] = defaultdict(list)
        self.changed = asyncio.Condition()
        self.broken: str | None = None

    async def start(self, deadline_s: float = 15.0) -> None:
        """Take the partitions and stand at their present ends. Raises `TimeoutError` if that takes too long."""
        async with asyncio.timeout(deadline_s):
            await self._consumer.start()
            await self._consumer.seek_to_end()
            for partition in self._consumer.assignment():
                await self._consumer.position(partition)
        self._task = asyncio.create_task(self._follow(), name="follow the topic")

    async def stop(self) -> None:
        """Stop following."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._consumer.stop()

    async def _follow(self) -> None:
        try:
            async for record in self._consumer:
                event = _parsed(record.value)
                key = (record.key or b"").decode("utf-8", "replace")
                self.by_merchant[str(event.get("merchant", ""))].append(
                    Message(record.partition, record.offset, key, event)
                )
                async with self.changed:
                    self.changed.notify_all()
        except KafkaError as error:
            self.broken = repr(error)


def _parsed(value: bytes | None) -> dict[str, Any]:
    try:
        event = json.loads(value or b"")
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}
