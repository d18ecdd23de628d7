"""Kafka by librdkafka: a publisher that waits for acknowledgements, and a reader that owns all partitions.

Nothing here relies on groups, transactions or admin calls, so the same code runs on the little broker inside
librdkafka and on Apache Kafka: the outbox and deduplication by event id give the effect once.
"""

import asyncio
import contextlib
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from gateway import tracing
from gateway.adapters.background import PeerAway
from gateway.use_cases.relay_outbox import Message

T = TypeVar("T")

MARKER_TOPIC = "payera.cluster"
_LITTLE_BROKER = "mockCluster"  # how librdkafka's own broker begins its cluster id
_METADATA_TIMEOUT_S = 3.0
_TOPIC_DEADLINE_S = 10.0
_SLICE_S = 0.1
_TRACE_HEADER = "traceparent"
_COORDINATOR_MOVES = frozenset(
    {KafkaError.NOT_COORDINATOR, KafkaError.COORDINATOR_NOT_AVAILABLE, KafkaError.COORDINATOR_LOAD_IN_PROGRESS}
)


class KafkaUnavailable(PeerAway):
    """Kafka does not answer, or is another cluster than a moment ago: open again."""


class _Client:
    """What both sides share: one thread for the blocking library, and whether the brokers are there."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._bootstrap = bootstrap
        self._topic = topic
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="kafka")
        self._away: str | None = None
        self._closing = False

    def _config(self, **more: Any) -> dict[str, Any]:
        dotted = {key.replace("_", "."): value for key, value in more.items()}
        # Errors arrive by the callback and the calls' results; the library's own log would repeat them on stderr.
        quiet: dict[str, Any] = {"log_level": 0, "error_cb": self._on_error}
        return {"bootstrap.servers": self._bootstrap, "socket.timeout.ms": 5000, **quiet, **dotted}

    def _on_error(self, error: KafkaError) -> None:
        if error.code() == KafkaError._ALL_BROKERS_DOWN or error.fatal():
            self._away = error.str()

    def _check(self) -> None:
        if self._away is not None:
            raise KafkaUnavailable(f"kafka: {self._away}")

    async def _do(self, work: Callable[[], T]) -> T:
        """Run blocking work in the client's own thread. A cancelled caller leaves it to end by its own timeout."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except KafkaException as error:
            raise KafkaUnavailable(f"kafka: {error.args[0].str()}") from None

    def _end_thread(self) -> None:
        self._closing = True
        self._thread.shutdown(wait=False, cancel_futures=True)


class EventPublisher(_Client):
    """The idempotent producer of one topic. `open` first; after `KafkaUnavailable` make a new one."""

    cluster: str

    def __init__(self, bootstrap: str, topic: str, ack_timeout_s: float = 5.0) -> None:
        super().__init__(bootstrap, topic)
        self._ack_timeout_s = ack_timeout_s
        self._broker_cluster = ""
        self._producer: Any = None

    async def open(self) -> None:
        """Connect, have the topic, and learn which cluster this is. Raises `KafkaUnavailable`."""
        await self._do(self._open)

    def _open(self) -> None:
        timeout_ms = int(self._ack_timeout_s * 1000)
        self._producer = Producer(
            self._config(enable_idempotence=True, linger_ms=0, message_timeout_ms=timeout_ms, acks="all")
        )
        metadata = _metadata_with_topic(self._producer, self._topic)
        self._broker_cluster = metadata.cluster_id or ""
        self.cluster = self._broker_cluster
        if self.cluster.startswith(_LITTLE_BROKER):
            # Its id is the address of a C structure: nothing promises that two starts differ. It forgets everything
            # on a restart, so the first message of a topic of its own tells one life from the next.
            self.cluster = f"{self.cluster}/{self._marker()}"

    def _marker(self) -> str:
        """The text at offset 0 of the marker topic, written if it is not there. Two writers agree on the first."""
        _metadata_with_topic(self._producer, MARKER_TOPIC)
        reader = Consumer(self._config(group_id="payera-marker", enable_auto_commit=False, fetch_wait_max_ms=20))
        try:
            start = TopicPartition(MARKER_TOPIC, 0, 0)
            _, end = reader.get_watermark_offsets(start, timeout=_METADATA_TIMEOUT_S)
            if end == 0:
                self._producer.produce(MARKER_TOPIC, value=uuid.uuid4().hex, partition=0)
                self._producer.flush(self._ack_timeout_s)
            reader.assign([start])
            found = reader.consume(1, self._ack_timeout_s)
            value = found[0].value() if found and not found[0].error() else None
            if value is None:
                raise KafkaUnavailable("kafka: the cluster marker cannot be read")
            return value.decode()
        finally:
            reader.close()

    async def publish(self, messages: Sequence[Message]) -> list[bool]:
        """Send messages and wait until each is acknowledged or given up: True where it was.

        False means unknown, not absent: the broker may have the message all the same. Bounded by `ack_timeout_s`. The
        trace goes into the header `traceparent`: the value stays as it was committed.
        """
        if not tracing.collecting():
            return await self._do(lambda: self._publish(messages))
        with ExitStack() as spans:
            begun = [spans.enter_context(self._span(message)) for message in messages]
            sent = [replace(message, traceparent=each.here()) for message, each in zip(messages, begun, strict=True)]
            acknowledged = await self._do(lambda: self._publish(sent))
            for each, ok in zip(begun, acknowledged, strict=True):
                if not ok:
                    each.fail("not_acknowledged")
            return acknowledged

    def _span(self, message: Message) -> tracing.AnySpan:
        attributes = {
            "messaging.system": "kafka",
            "messaging.operation.type": "send",
            "messaging.operation.name": "publish",
            "messaging.destination.name": self._topic,
            "messaging.kafka.message.key": message.key,
        }
        kind = tracing.SpanKind.PRODUCER
        return tracing.span(f"publish {self._topic}", kind, attributes, parent=message.traceparent or "")

    def _publish(self, messages: Sequence[Message]) -> list[bool]:
        acknowledged = [False] * len(messages)

        def on_delivery(index: int) -> Callable[[Any, Any], None]:
            def note(error: Any, _: Any) -> None:
                acknowledged[index] = error is None

            return note

        for index, message in enumerate(messages):
            trace = [(_TRACE_HEADER, message.traceparent.encode())] if message.traceparent else None
            self._producer.produce(
                self._topic, value=message.value, key=message.key, headers=trace, on_delivery=on_delivery(index)
            )
        deadline = time.monotonic() + self._ack_timeout_s + _SLICE_S
        while self._producer.flush(_SLICE_S) and not self._closing and time.monotonic() < deadline:
            self._check()
        return acknowledged

    async def check(self) -> None:
        """Raises `KafkaUnavailable` if the brokers are away or belong to another cluster than at `open`."""

        def look() -> None:
            if self._producer.list_topics(self._topic, timeout=_METADATA_TIMEOUT_S).cluster_id != self._broker_cluster:
                raise KafkaUnavailable("kafka: another cluster answers at this address")

        await self._do(look)

    async def close(self) -> None:
        """Drop what was not acknowledged (the outbox still has it) and end."""

        def end() -> None:
            if self._producer is not None:
                self._producer.purge()
                self._producer.flush(_SLICE_S)

        self._closing = True
        with contextlib.suppress(KafkaUnavailable):
            await self._do(end)
        self._end_thread()


@dataclass(frozen=True, slots=True)
class Received:
    """One message: where it stands and what it says."""

    partition: int
    offset: int
    value: bytes
    traceparent: str = ""


class EventReader(_Client):
    """Reads all partitions of one topic, from the last commit of `group` or from the start if it has none."""

    def __init__(self, bootstrap: str, topic: str, group: str) -> None:
        super().__init__(bootstrap, topic)
        self._group = group
        self._consumer: Any = None
        self._cluster = ""
        self._partitions: tuple[int, ...] = ()

    async def open(self) -> None:
        """Take the partitions by hand: one process reads them all, no group protocol. Raises `KafkaUnavailable`."""
        await self._do(self._open)

    def _open(self) -> None:
        self._consumer = Consumer(
            self._config(
                group_id=self._group,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                fetch_wait_max_ms=50,
                allow_auto_create_topics=True,
            )
        )
        metadata = _metadata_with_topic(self._consumer, self._topic)
        self._cluster = metadata.cluster_id or ""
        self._partitions = tuple(sorted(metadata.topics[self._topic].partitions))
        wanted = [TopicPartition(self._topic, number) for number in self._partitions]
        self._consumer.assign(self._committed(wanted))

    def _committed(self, wanted: list[TopicPartition]) -> list[TopicPartition]:
        """Where the group was. While a broker starts, the coordinator moves: worth another try, not a failure."""
        deadline = time.monotonic() + _METADATA_TIMEOUT_S
        while True:
            try:
                found: list[TopicPartition] = self._consumer.committed(wanted, timeout=_METADATA_TIMEOUT_S)
            except KafkaException as error:
                if error.args[0].code() not in _COORDINATOR_MOVES or time.monotonic() > deadline:
                    raise
                time.sleep(_SLICE_S)
            else:
                return found

    async def batch(self, limit: int, wait_s: float = 0.2) -> list[Received]:
        """What came, in order per partition; nothing after `wait_s` without any. Raises `KafkaUnavailable`."""
        return await self._do(lambda: self._batch(limit, wait_s))

    def _batch(self, limit: int, wait_s: float) -> list[Received]:
        first = self._consumer.consume(1, wait_s)
        # `consume` waits for all it was asked for, or for the whole time: after the first, take only what is there.
        rest = self._consumer.consume(limit - 1, 0) if first and limit > 1 else []
        for message in (*first, *rest):
            if message.error():
                raise KafkaUnavailable(f"kafka: {message.error().str()}")
        self._check()
        return [Received(m.partition(), m.offset(), m.value() or b"", _trace_of(m)) for m in (*first, *rest)]

    async def commit(self, received: Sequence[Received]) -> None:
        """Say that these and all before them are dealt with. Lost commits cost a repetition, never an event."""
        last = {message.partition: message.offset for message in received}
        offsets = [TopicPartition(self._topic, partition, offset + 1) for partition, offset in last.items()]
        if offsets:
            await self._do(lambda: self._consumer.commit(offsets=offsets, asynchronous=True))

    async def check(self) -> None:
        """Raises `KafkaUnavailable` if brokers are away, the cluster is another one, or has more partitions now."""

        def look() -> None:
            metadata = self._consumer.list_topics(self._topic, timeout=_METADATA_TIMEOUT_S)
            if metadata.cluster_id != self._cluster:
                raise KafkaUnavailable("kafka: another cluster answers at this address")
            if tuple(sorted(metadata.topics[self._topic].partitions)) != self._partitions:
                raise KafkaUnavailable("kafka: the topic's partitions changed")

        await self._do(look)

    async def close(self) -> None:
        """Give pending commits a moment, then end."""

        def end() -> None:
            if self._consumer is not None:
                self._consumer.close()

        with contextlib.suppress(KafkaUnavailable):
            await self._do(end)
        self._end_thread()


def _trace_of(message: Any) -> str:
    """Its header `traceparent`, empty without one; read only where somebody collects."""
    if not tracing.collecting():
        return ""
    values = [value for name, value in message.headers() or () if name == _TRACE_HEADER and value is not None]
    return values[0].decode("ascii", "replace") if values else ""


def _metadata_with_topic(client: Any, topic: str) -> Any:
    """The cluster's metadata once `topic` has partitions: asking for it creates it where the broker allows that."""
    deadline = time.monotonic() + _TOPIC_DEADLINE_S
    while True:
        metadata = client.list_topics(topic, timeout=_METADATA_TIMEOUT_S)
        found = metadata.topics.get(topic)
        if found is not None and found.error is None and found.partitions:
            return metadata
        if time.monotonic() > deadline:
            raise KafkaUnavailable(f"kafka: there is no topic {topic}, and the broker does not create it")
        time.sleep(_SLICE_S)
