"""The same three parts as `shared._parts`, in containers (testcontainers): PostgreSQL, Temporal and Apache Kafka.

For tests: `pytest --parts=containers`. The guardian of `compose.embedded.shared` owns the containers and removes them
with the last worker of a run. Should the guardian itself be killed, its containers stay; they are labelled with its
process, and whoever comes next (or `python -m compose.embedded.containers sweep`) removes those without a living owner.
testcontainers' own cleaner is switched off: it is one more image to pull, and knows no more than the guardian does.
"""

import base64
import contextlib
import os
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

os.environ["TESTCONTAINERS_RYUK_DISABLED"] = "true"  # read at import

from testcontainers.core.container import DockerContainer
from testcontainers.core.docker_client import DockerClient

from compose.containers import engine, images
from compose.embedded import kafka as embedded_kafka
from compose.embedded.http import answers
from compose.embedded.ports import HOST, Ports
from compose.embedded.postgres import FOR_TESTS, SUPERUSER, Postgres
from compose.embedded.process import Child, started_at
from compose.embedded.temporal import NAMESPACE

RUN_LABEL = "payera.test-parts"
"""On every container made here; its value is the folder of the run, which holds its id."""
OWNER_LABEL = "payera.owner"
"""`pid:start` of the process that will remove the container."""
_IMAGES = {"postgres": "postgres", "temporal": "temporalio/temporal", "kafka": "apache/kafka"}
_READY_WITHIN_S = 200.0


def _owner() -> str:
    return f"{os.getpid()}:{started_at(os.getpid())}"


def _container(image: str, ports: Mapping[int, int], run: str, tmpfs: str | None = None) -> DockerContainer:
    """A container whose `ports` (inside → ours) listen on loopback only."""
    made = DockerContainer(image).with_kwargs(labels={RUN_LABEL: run, OWNER_LABEL: _owner()}, init=True)
    # The engine takes an address with the port; the annotation of testcontainers knows ports alone.
    made.ports = cast("dict[str, int | None]", {str(inner): (HOST, outer) for inner, outer in ports.items()})
    if tmpfs is not None:
        made.with_tmpfs_mount(tmpfs)
    return made


@dataclass
class _Started:
    """A container and how to see that it serves."""

    name: str
    container: DockerContainer
    healthy: Callable[[], bool]
    since: float = field(default_factory=time.monotonic)

    def wait(self) -> None:
        """Raises `RuntimeError` with its last words when it ends or does not serve in time."""
        while not self.healthy():
            wrapped = self.container.get_wrapped_container()
            wrapped.reload()
            late = time.monotonic() > self.since + _READY_WITHIN_S
            if late or wrapped.status in {"exited", "dead"}:
                why = f"not ready after {_READY_WITHIN_S:g} s" if late else "ended while starting"
                said = wrapped.logs(tail=15).decode(errors="replace")
                raise RuntimeError(f"the container of {self.name} {why}:\n{said}")
            time.sleep(0.1)


def _postgres(image: str, port: int, run: str) -> _Started:
    settings = {"fsync": "off", "full_page_writes": "off", "shared_buffers": "96MB", "timezone": "UTC", **FOR_TESTS}
    settings |= {"jit": "off", "wal_level": "minimal", "max_wal_senders": "0"}
    made = _container(image, {5432: port}, run, tmpfs="/var/lib/postgresql")
    made.with_envs(POSTGRES_USER=SUPERUSER, POSTGRES_HOST_AUTH_METHOD="trust")
    made.with_command(["postgres", *(word for key, value in settings.items() for word in ("-c", f"{key}={value}"))])
    return _Started("postgres", made.start(), Postgres(Path("/"), port).healthy)


def _temporal(image: str, port: int, http_port: int, run: str) -> _Started:
    made = _container(image, {7233: port, 7243: http_port}, run)
    command = ["server", "start-dev", "--ip", "0.0.0.0", "--http-port", "7243", "--headless"]  # noqa: S104 - inside
    command += ["--namespace", NAMESPACE, "--search-attribute", "PaymentStatus=Keyword", "--log-level", "warn"]
    for direction in ("Read", "Write"):
        command += ["--dynamic-config-value", f"matching.numTaskqueue{direction}Partitions=1"]
    made.with_command(command)
    url = f"http://{HOST}:{http_port}/api/v1/namespaces/{NAMESPACE}"
    return _Started("temporal", made.start(), lambda: answers(url))


def _kafka(image: str, port: int, run: str) -> _Started:
    made = _container(image, {9092: port}, run)
    made.with_envs(
        CLUSTER_ID=base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("="),
        KAFKA_NODE_ID="1",
        KAFKA_PROCESS_ROLES="broker,controller",
        KAFKA_LISTENERS="PLAINTEXT://0.0.0.0:9092,CONTROLLER://localhost:9093",
        KAFKA_ADVERTISED_LISTENERS=f"PLAINTEXT://{HOST}:{port}",
        KAFKA_CONTROLLER_LISTENER_NAMES="CONTROLLER",
        KAFKA_LISTENER_SECURITY_PROTOCOL_MAP="CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        KAFKA_CONTROLLER_QUORUM_VOTERS="1@localhost:9093",
        KAFKA_NUM_PARTITIONS="4",
        KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS="1",
        KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR="1",
        KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR="1",
        KAFKA_TRANSACTION_STATE_LOG_MIN_ISR="1",
        KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS="0",
        KAFKA_HEAP_OPTS="-Xmx512m -Xms256m",
    )
    return _Started("kafka", made.start(), lambda: broker_answers(f"{HOST}:{port}"))


def broker_answers(address: str) -> bool:
    """True if a Kafka broker tells its cluster there (an open port alone may be the engine's)."""
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient

    options: dict[str, Any] = {"bootstrap.servers": address, "log_level": 0, "error_cb": lambda error: None}
    client = AdminClient(options)
    try:
        return bool(client.list_topics(timeout=1).brokers)
    except KafkaException:
        return False


def images_named() -> dict[str, str]:
    """The images of the three parts, as `compose.yaml` names them."""
    found = {image.rpartition(":")[0]: image for image in images.named()}
    return {part: found[name] for part, name in _IMAGES.items()}


@contextlib.contextmanager
def running(folder: Path) -> Iterator[dict[str, Any]]:
    """The parts for the length of the block: the facts of `shared.Parts`.

    The images must be here (`python -m compose.embedded.containers images`): a test does not wait for a download. Only
    where Apache Kafka's is not to be had does the embedded broker take its place, and `origin["kafka"]` says so.
    """
    origin = images_named()
    for part in ("postgres", "temporal"):
        if not engine.has_image(origin[part]):
            raise RuntimeError(f"the image {origin[part]} is not here: `make test-containers` brings it")
    sweep()
    run, ports = folder.name, Ports()
    started: list[_Started] = []
    brokers: list[Child] = []
    postgres, temporal, temporal_http, kafka = (ports.take() for _ in range(4))
    try:
        if engine.has_image(origin["kafka"]):
            started.append(_kafka(origin["kafka"], kafka, run))
            kafka_address = f"{HOST}:{kafka}"
        else:
            embedded = embedded_kafka.Kafka(folder / "kafka")
            brokers.append(Child(embedded.spec(), folder / "kafka.log"))
            brokers[0].wait_healthy()
            kafka_address, origin["kafka"] = embedded.address, "embedded"
        started.append(_postgres(origin["postgres"], postgres, run))
        started.append(_temporal(origin["temporal"], temporal, temporal_http, run))
        for one in started:
            one.wait()
        yield {
            "postgres": Postgres(folder, postgres).dsn(),
            "postgres_port": postgres,
            "temporal": f"{HOST}:{temporal}",
            "kafka": kafka_address,
            "folder": str(folder),
            "origin": origin,
        }
    finally:
        for child in brokers:
            child.stop()
        sweep(run)  # by label, so that one that failed half-way in starting goes too


def sweep(run: str | None = None) -> list[str]:
    """Remove the containers of `run`, or those of any run whose owner lives no more: their names."""
    client = DockerClient().client
    try:
        gone = []
        label = RUN_LABEL if run is None else f"{RUN_LABEL}={run}"
        for container in client.containers.list(all=True, filters={"label": label}, ignore_removed=True):
            pid, _, start = container.labels.get(OWNER_LABEL, "0:").partition(":")
            if run is None and started_at(int(pid)) == start:
                continue
            container.remove(force=True, v=True)
            gone.append(str(container.name))
        return gone
    finally:
        client.close()


if __name__ == "__main__":
    if sys.argv[1:] == ["images"]:
        images.ensure(lambda line: print(line, flush=True))  # noqa: T201 - a command's answer
    elif sys.argv[1:] == ["sweep"]:
        for name in sweep():
            print(f"removed {name}")  # noqa: T201 - likewise
    else:
        sys.exit("usage: python -m compose.embedded.containers images | sweep")
