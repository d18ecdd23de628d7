"""A consumer's loop over the event stream: take a batch, let it take effect, then commit its place."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

import orjson
import structlog
from prometheus_client import Counter

from gateway import tracing
from gateway.adapters.health import Health
from gateway.adapters.kafka import EventReader, Received
from gateway.use_cases.ports import Json

_log = structlog.get_logger("payera.events")

FOREIGN = Counter("payera_foreign_messages_total", "Messages on the topic that are no events of ours; skipped")

BATCH_EVENTS = 500
GATHER_S = 0.15
"""Batches come at most this often: a busy stream is taken in gulps, each one database call."""
CHECK_EVERY_S = 10.0

Effect = Callable[[list[Json]], Awaitable[None]]
"""What a consumer does with a batch. It must be safe to repeat: the stream delivers at least once."""


class EventFeed:
    """Follows `topic` for one consumer group, named in its own commits; reports the part `kafka` to `health`."""

    def __init__(self, bootstrap: str, topic: str, group: str, health: Health) -> None:
        self._bootstrap = bootstrap
        self._topic = topic
        self._group = group
        self._health = health

    async def follow(self, effect: Effect) -> None:
        """Endless. Raises an outage of Kafka or of the effect; what was not committed comes again after that."""
        reader = EventReader(self._bootstrap, self._topic, self._group)
        try:
            await reader.open()
            self._health.ok("kafka")
            checked_s = time.monotonic()
            while True:
                received = await reader.batch(BATCH_EVENTS)
                if received:
                    events = decode(received)
                    with self._span(received):
                        if events:
                            await effect(events)
                        await reader.commit(received)
                    await asyncio.sleep(GATHER_S)
                if time.monotonic() - checked_s > CHECK_EVERY_S:
                    await reader.check()
                    checked_s = time.monotonic()
        finally:
            await reader.close()

    def _span(self, received: Sequence[Received]) -> tracing.AnySpan:
        """One span per batch, linked to the traces that its messages came from."""
        attributes: dict[str, str | int] = {
            "messaging.system": "kafka",
            "messaging.operation.type": "process",
            "messaging.operation.name": "process",
            "messaging.destination.name": self._topic,
            "messaging.consumer.group.name": self._group,
            "messaging.batch.message_count": len(received),
        }
        links = (message.traceparent for message in received)
        return tracing.span(f"process {self._topic}", tracing.SpanKind.CONSUMER, attributes, parent="", links=links)


def decode(received: Sequence[Received]) -> list[Json]:
    """The events among the messages. Anybody may write to a topic: what is no event of ours is counted and skipped."""
    events = []
    for message in received:
        try:
            event = orjson.loads(message.value)
        except orjson.JSONDecodeError:
            event = None
        if isinstance(event, dict) and event.get("specversion") == "1.0" and isinstance(event.get("id"), str):
            events.append(event)
        else:
            FOREIGN.inc()
            _log.warning("foreign_message", partition=message.partition, offset=message.offset)
    return events
