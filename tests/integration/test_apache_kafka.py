"""Apache Kafka itself, where Java is: what the little broker cannot show (data kept, groups, fencing, topics)."""

import asyncio
import os
import signal
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

from compose import topics
from compose.embedded import environment
from compose.embedded.apache_kafka import ApacheKafka, NotInstalled, find_installation
from compose.embedded.environment import EnvironmentFailed
from compose.embedded.java import NoJava
from compose.embedded.ports import Ports, accepts
from compose.embedded.process import Child
from compose.topics import Topic, TopicsFailed, ensure
from gateway.adapters.kafka import EventPublisher, EventReader, KafkaUnavailable
from gateway.use_cases.relay_outbox import Message

pytestmark = pytest.mark.timeout(240)
WITHIN_S = 60.0


@dataclass
class Broker:
    """A running node that a test may kill and start again."""

    kafka: ApacheKafka
    log: Path
    child: Child

    @property
    def address(self) -> str:
        return self.kafka.address

    def kill(self) -> None:
        self.child.signal(signal.SIGKILL)
        self.child.popen.wait(10)

    def start(self) -> None:
        self.child = Child(self.kafka.spec(), self.log)
        self.child.wait_healthy()


@pytest.fixture
def broker(node: Broker) -> Broker:
    """The module's node, running whatever a test before did to it."""
    if node.child.exit_code() is not None:
        node.start()
    return node


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    try:
        installation = find_installation()
    except NoJava as error:
        pytest.skip(f"absent here: {error}")
    except NotInstalled as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("apache")
    ports = Ports()
    kafka = ApacheKafka(folder / "kafka", ports.take(), ports.take(), installation)
    kafka.prepare()
    running = Broker(kafka, folder / "kafka.log", Child(kafka.spec(), folder / "kafka.log"))
    try:
        running.child.wait_healthy()
        yield running
    finally:
        running.child.stop()
        ports.release()


def a_topic(broker: Broker, partitions: int = 4) -> Topic:
    made = Topic(f"t-{uuid.uuid4().hex[:8]}", partitions, 3, 2, {"retention.ms": "3600000"})
    ensure(broker.address, (made,))
    return made


def client(broker: Broker, **more: Any) -> dict[str, Any]:
    quiet = {"log_level": 0, "error_cb": lambda error: None}
    return {"bootstrap.servers": broker.address, **quiet, **{key.replace("_", "."): more[key] for key in more}}


def until(what: str, holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not holds():
        assert time.monotonic() < deadline, f"not within {WITHIN_S:g} s: {what}"


def partitions_of(broker: Broker, name: str) -> int:
    return len(AdminClient(client(broker)).list_topics(name, timeout=10).topics[name].partitions)


def settings_of(broker: Broker, name: str) -> dict[str, str]:
    resource = ConfigResource(ResourceType.TOPIC, name)
    admin = AdminClient(client(broker))  # it must live as long as its answer is waited for
    (future,) = admin.describe_configs([resource]).values()
    return {key: entry.value for key, entry in future.result(10).items()}


# --- topics ---


def test_topics_are_made_once_and_kept_as_told(broker: Broker) -> None:
    (ours,) = topics.load()
    assert ensure(broker.address, (ours,)) == [f"{ours.name}: created with 4 partitions, 1 replicas"]
    assert ensure(broker.address, (ours,)) == [f"{ours.name}: as it should be"]
    found = settings_of(broker, ours.name)
    assert {key: found[key] for key in ours.config} == ours.config
    assert found["min.insync.replicas"] == "1", "there is one replica, so two can never be in step"
    longer = replace(ours, config={**ours.config, "retention.ms": "86400000"})
    assert ensure(broker.address, (longer,)) == [f"{ours.name}: set retention.ms"]
    assert settings_of(broker, ours.name)["retention.ms"] == "86400000"


def test_another_number_of_partitions_is_refused(broker: Broker) -> None:
    made = a_topic(broker, partitions=2)
    with pytest.raises(
        TopicsFailed, match="has 2 partitions and ought to have 4: another number would break the order"
    ):
        ensure(broker.address, (replace(made, partitions=4),))
    assert partitions_of(broker, made.name) == 2


def test_with_three_brokers_one_may_be_away() -> None:
    (ours,) = topics.load()
    assert [ours.replicas_on(brokers) for brokers in (1, 2, 3, 5)] == [1, 2, 3, 3]
    assert [ours.settings_on(brokers)["min.insync.replicas"] for brokers in (1, 2, 3, 5)] == ["1", "1", "2", "2"]


async def test_a_topic_that_was_not_made_does_not_come_into_being(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.adapters.kafka._TOPIC_DEADLINE_S", 1.0)
    publisher = EventPublisher(broker.address, "misspelt")
    try:
        with pytest.raises(KafkaUnavailable, match="no topic misspelt"):
            await publisher.open()
    finally:
        await publisher.close()
    assert "misspelt" not in AdminClient(client(broker)).list_topics(timeout=10).topics


# --- what the gateway's adapters stand on ---


async def test_events_commits_and_the_cluster_outlive_a_killed_broker(broker: Broker) -> None:
    """What was acknowledged is there after kill -9, at the same address and in the same cluster; so is a place."""
    made = a_topic(broker)
    publisher = EventPublisher(broker.address, made.name)
    reader = EventReader(broker.address, made.name, f"g-{made.name}")
    await publisher.open()
    await reader.open()
    cluster = publisher.cluster
    assert await publisher.publish([Message(f"k{n}", f"before {n}".encode()) for n in range(40)]) == [True] * 40
    seen = await _read(reader, 40)
    await reader.commit(seen)
    await reader.close()

    await asyncio.to_thread(broker.kill)
    await _away(lambda: publisher.publish([Message("k", b"into the void")]))
    await publisher.close()
    broker.start()  # from this thread: a child ends with the thread that made it

    again = EventPublisher(broker.address, made.name)
    await again.open()
    assert again.cluster == cluster, "the same cluster: nothing has to be published again"
    assert await again.publish([Message(f"k{n}", f"after {n}".encode()) for n in range(10)]) == [True] * 10
    await again.check()
    await again.close()
    second = EventReader(broker.address, made.name, f"g-{made.name}")
    await second.open()
    values = {one.value for one in await _read(second, 10)}
    await second.close()
    assert values - {b"into the void"} == {f"after {n}".encode() for n in range(10)}, "from its commit on, and no more"
    first = EventReader(broker.address, made.name, f"fresh-{made.name}")
    await first.open()
    everything = [one.value for one in await _read(first, 50)]
    await first.close()
    assert {f"before {n}".encode() for n in range(40)} <= set(everything)


async def _away(ask: Callable[[], Awaitable[object]]) -> None:
    """Ask until it is said that the brokers are away."""
    deadline = time.monotonic() + WITHIN_S
    while time.monotonic() < deadline:
        try:
            await ask()
        except KafkaUnavailable:
            return
    pytest.fail(f"nobody noticed for {WITHIN_S:g} s that the broker is dead")


async def _read(reader: EventReader, count: int) -> list[Any]:
    found: list[Any] = []
    deadline = time.monotonic() + WITHIN_S
    while len(found) < count and time.monotonic() < deadline:
        found += await reader.batch(500)
    return found


async def test_a_reader_that_waits_through_an_outage_says_so_and_a_new_one_goes_on(broker: Broker) -> None:
    made = a_topic(broker)
    reader = EventReader(broker.address, made.name, f"g-{made.name}")
    await reader.open()
    assert await reader.batch(10) == []
    await asyncio.to_thread(broker.kill)
    await _away(reader.check)
    await reader.close()
    away = EventReader(broker.address, made.name, f"g-{made.name}")
    with pytest.raises(KafkaUnavailable):
        await away.open()
    await away.close()
    broker.start()  # from this thread: a child ends with the thread that made it
    again = EventReader(broker.address, made.name, f"g-{made.name}")
    await again.open()
    await again.check()
    await again.close()


# --- what only a real broker shows ---


def test_members_of_a_group_share_partitions_and_take_over_from_one_that_leaves(broker: Broker) -> None:
    made = a_topic(broker)
    options = client(broker, group_id=f"g-{made.name}", auto_offset_reset="earliest", session_timeout_ms=6000)
    first, second = Consumer(options), Consumer(options)
    try:
        for each in (first, second):
            each.subscribe([made.name])

        def held() -> tuple[int, int]:
            first.poll(0.1)
            second.poll(0.1)
            return len(first.assignment()), len(second.assignment())

        until("two members hold two partitions each", lambda: held() == (2, 2))
        mine = {each.partition for each in first.assignment()}
        others = {each.partition for each in second.assignment()}
        assert mine | others == {0, 1, 2, 3}, "each partition has one reader"
        second.close()

        def alone() -> bool:
            first.poll(0.1)
            return len(first.assignment()) == 4

        until("the one that is left holds all", alone)
    finally:
        first.close()


def test_a_zombie_is_fenced_and_what_was_aborted_is_not_read(broker: Broker) -> None:
    made = a_topic(broker, partitions=1)
    transaction = f"tx-{made.name}"
    zombie = Producer(client(broker, transactional_id=transaction))
    zombie.init_transactions(WITHIN_S)
    zombie.begin_transaction()
    zombie.produce(made.name, b"of the zombie")
    zombie.flush(WITHIN_S)
    heir = Producer(client(broker, transactional_id=transaction))
    heir.init_transactions(WITHIN_S)  # aborts what the one before it had begun
    heir.begin_transaction()
    heir.produce(made.name, b"of the heir")
    heir.commit_transaction(WITHIN_S)
    with pytest.raises(KafkaException) as fenced:
        zombie.commit_transaction(WITHIN_S)
    assert fenced.value.args[0].code() in {KafkaError._FENCED, KafkaError.INVALID_PRODUCER_EPOCH}
    reader = Consumer(client(broker, group_id=f"g-{made.name}", isolation_level="read_committed"))
    try:
        reader.assign([TopicPartition(made.name, 0, 0)])
        (found,) = reader.consume(1, WITHIN_S)
        assert found.value() == b"of the heir"
        assert reader.consume(1, 1.0) == []
    finally:
        reader.close()


# --- as people use it ---


def test_up_with_apache_kafka_keeps_data_and_port_over_a_restart_and_stops_clean(
    broker: Broker, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    assert environment.up(state, port_base=0, parts_only=True, kafka="apache", owner_pid=os.getpid()) == "started"
    try:
        env = environment.read_env(state)
        assert env["broker"] == "apache"
        own = replace_address(broker, env["kafka"])
        assert partitions_of(own, env["topic"]) == 4
        producer = Producer(client(own))
        producer.produce(env["topic"], b"kept", partition=0)
        assert producer.flush(WITHIN_S) == 0
        with pytest.raises(EnvironmentFailed, match="it runs with the broker apache"):
            environment.up(state, kafka="librdkafka")
        pid = environment.order(state, {"do": "kill", "name": "kafka", "signal": 9})["pid"]
        assert environment.order(state, {"do": "restart", "name": "kafka"})["pid"] != pid
        assert environment.read_env(state)["kafka"] == env["kafka"]
        reader = Consumer(client(own, group_id="look"))
        reader.assign([TopicPartition(env["topic"], 0, 0)])
        (kept,) = reader.consume(1, WITHIN_S)
        reader.close()
        assert kept.value() == b"kept"
        assert environment.order(state, {"do": "kill", "name": "kafka", "signal": 15})["code"] == 143, "SIGTERM ends it"
    finally:
        environment.down(state)
    assert not accepts(int(env["kafka"].rpartition(":")[2]))
    assert environment.up(state, port_base=0, parts_only=True, kafka="apache", owner_pid=os.getpid()) == "started"
    try:
        own = replace_address(broker, environment.read_env(state)["kafka"])
        reader = Consumer(client(own, group_id="look"))
        reader.assign([TopicPartition(env["topic"], 0, 0)])
        (kept,) = reader.consume(1, WITHIN_S)
        reader.close()
        assert kept.value() == b"kept"
    finally:
        environment.down(state)


def replace_address(broker: Broker, address: str) -> Broker:
    """The same, seen at another address."""
    kafka = replace(broker.kafka, port=int(address.rpartition(":")[2]))
    return Broker(kafka, broker.log, broker.child)


def test_without_the_jars_up_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broker: Broker) -> None:
    monkeypatch.setenv("PAYERA_CACHE", str(tmp_path / "empty"))
    with pytest.raises(EnvironmentFailed, match=r"Apache Kafka 4\.\S+ is not installed: run `payera kafka install`"):
        environment.up(tmp_path / "state", kafka="apache")
    with pytest.raises(EnvironmentFailed, match="there is no broker named 'redpanda'"):
        environment.up(tmp_path / "state", kafka="redpanda")
    assert not (tmp_path / "state").exists()
