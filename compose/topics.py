"""Make a broker's topics as `topics.yaml` says: `python -m compose.topics HOST:PORT` (or `$PAYERA_KAFKA`).

Safe to repeat. What is missing is created, settings that differ are set; a topic with another number of partitions is
refused, because more of them would break the order of events per payment.
"""

import os
import sys
import time
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)

FILE = Path(__file__).with_name("topics.yaml")
_TIMEOUT_S = 15.0
_PATIENCE_S = 60.0
_TRY_S = 5.0


class TopicsFailed(Exception):
    """The topics could not be made so. The message says which and why."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic as it ought to be; `replicas` and `min_insync` are bounded by the number of brokers."""

    name: str
    partitions: int
    replicas: int
    min_insync: int
    config: dict[str, str]

    def replicas_on(self, brokers: int) -> int:
        return min(self.replicas, brokers)

    def settings_on(self, brokers: int) -> dict[str, str]:
        """Its configuration where there are that many brokers: one replica may always be away, if there are several."""
        in_sync = min(self.min_insync, max(1, self.replicas_on(brokers) - 1))
        return {**self.config, "min.insync.replicas": str(in_sync)}


def load(path: Path = FILE) -> tuple[Topic, ...]:
    """The topics of a file. Raises `TopicsFailed` where it is not as it should be."""
    told = yaml.safe_load(path.read_text(encoding="utf-8"))
    try:
        return tuple(
            Topic(
                name=name,
                partitions=int(each["partitions"]),
                replicas=int(each["replicas"]),
                min_insync=int(each["min_insync"]),
                config={key: str(value) for key, value in each["config"].items()},
            )
            for name, each in told["topics"].items()
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise TopicsFailed(f"{path} is not as expected: {error!r}") from error


def ensure(bootstrap: str, topics: tuple[Topic, ...]) -> list[str]:
    """Make the topics exist as told; one line per topic about what was done. Raises `TopicsFailed`."""
    try:
        admin, metadata = _connect(bootstrap)
        brokers = len(metadata.brokers)
        lines = []
        for topic in topics:
            done = []
            if topic.name not in metadata.topics:
                done.append(_create(admin, topic, brokers))
            _check_partitions(admin, topic)
            changed = _set(admin, topic, brokers)
            done += [f"set {', '.join(changed)}"] if changed else []
            lines.append(f"{topic.name}: {'; '.join(done) or 'as it should be'}")
        return lines
    except KafkaException as error:
        raise TopicsFailed(f"kafka at {bootstrap}: {error.args[0].str()}") from error


def _connect(bootstrap: str) -> tuple[AdminClient, Any]:
    """A client and what the cluster says of itself; a broker that is just starting may take a while to say it.

    Each try is a new client: one that met a closing door goes on knocking at it, ever more slowly.
    """
    quiet: dict[str, Any] = {"log_level": 0, "error_cb": lambda error: None}
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        admin = AdminClient({"bootstrap.servers": bootstrap, "reconnect.backoff.max.ms": 1000, **quiet})
        try:
            return admin, admin.list_topics(timeout=_TRY_S)
        except KafkaException:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def _create(admin: AdminClient, topic: Topic, brokers: int) -> str:
    replicas = topic.replicas_on(brokers)
    new = NewTopic(topic.name, topic.partitions, replicas, config=topic.settings_on(brokers))
    try:
        _only(admin.create_topics([new], request_timeout=_TIMEOUT_S))
    except KafkaException as error:
        if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:  # somebody else was quicker: as good
            raise
    return f"created with {topic.partitions} partitions, {replicas} replicas"


def _check_partitions(admin: AdminClient, topic: Topic) -> None:
    deadline = time.monotonic() + _TIMEOUT_S
    while True:  # a topic just made takes a moment to be seen
        found = admin.list_topics(topic.name, timeout=_TIMEOUT_S).topics[topic.name]
        if found.error is None and all(each.leader >= 0 for each in found.partitions.values()):
            break
        if time.monotonic() > deadline:
            raise TopicsFailed(f"{topic.name} is not there {_TIMEOUT_S:g} s after it was made: {found.error}")
        time.sleep(0.05)
    if len(found.partitions) != topic.partitions:
        raise TopicsFailed(
            f"{topic.name} has {len(found.partitions)} partitions and ought to have {topic.partitions}: another number"
            " would break the order of events; make a new topic and let the relay publish there"
        )


def _set(admin: AdminClient, topic: Topic, brokers: int) -> list[str]:
    """Set what differs; the names of those settings."""
    resource = ConfigResource(ResourceType.TOPIC, topic.name)
    actual = _only(admin.describe_configs([resource], request_timeout=_TIMEOUT_S))
    wanted = topic.settings_on(brokers)
    differing = [key for key, value in wanted.items() if key not in actual or actual[key].value != value]
    if differing:
        entries = [ConfigEntry(key, wanted[key], incremental_operation=AlterConfigOpType.SET) for key in differing]
        change = ConfigResource(ResourceType.TOPIC, topic.name, incremental_configs=entries)
        _only(admin.incremental_alter_configs([change], request_timeout=_TIMEOUT_S))
    return differing


def _only(answers: dict[Any, Future[Any]]) -> Any:
    """The one answer of a call about one thing."""
    (future,) = answers.values()
    return future.result(_TIMEOUT_S)


def main(arguments: list[str]) -> int:
    """0: the topics are as told; 1: they are not, with the reason on stderr."""
    bootstrap = arguments[0] if arguments else os.environ.get("PAYERA_KAFKA", "")
    if not bootstrap:
        print("topics: say which broker: host:port or PAYERA_KAFKA", file=sys.stderr)
        return 1
    try:
        for line in ensure(bootstrap, load()):
            print(line, flush=True)
    except TopicsFailed as error:
        print(f"topics: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
