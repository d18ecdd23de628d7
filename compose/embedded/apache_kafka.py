"""Apache Kafka itself: one KRaft node, broker and controller in one process, from the jars of `compose.kafka_jars`.

Unlike the little broker it keeps its data and its address over a restart, knows groups, transactions and fencing, and
creates no topic that it was not told to create.
"""

import base64
import os
import shutil
import subprocess
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from compose.embedded.java import find_java
from compose.embedded.ports import HOST, accepts
from compose.embedded.process import Spec, write_private
from compose.kafka_jars import lock

LOG_SETTINGS = Path(__file__).with_name("kafka_log4j2.yaml")
# Quick to start rather than quick in the long run: an environment lives for minutes, and its load is small.
_JVM = ("-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true")
_FORMAT_WITHIN_S = 60.0
_METADATA_TIMEOUT_S = 1.0

# What a single node needs to be told, and what would make a test wait for nothing.
_SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "CLIENTS",
    "auto.create.topics.enable": "false",  # ours come from compose/topics.yaml; a misspelt one must not appear
    "delete.topic.enable": "true",
    "default.replication.factor": "1",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "group.initial.rebalance.delay.ms": "0",
    "unclean.leader.election.enable": "false",
    "controlled.shutdown.enable": "false",  # there is nobody to hand over to
    "broker.heartbeat.interval.ms": "500",
    "broker.session.timeout.ms": "3000",
    "log.segment.bytes": str(64 << 20),
    "num.network.threads": "2",
    "num.io.threads": "4",
}


class NotInstalled(Exception):
    """The broker's jars are not there, or damaged. The message says how to get them."""


def cache_folder() -> Path:
    """Where installed brokers live, per user: `$PAYERA_CACHE/kafka`, else `payera/kafka` in the user's cache folder."""
    given = os.environ.get("PAYERA_CACHE")
    if given:
        return Path(given).expanduser().absolute() / "kafka"
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "payera" / "kafka"


def jars_folder() -> Path:
    """Where the locked version is or would be installed."""
    return cache_folder() / lock.version(lock.read())


@dataclass(frozen=True, slots=True)
class Installation:
    """A Java and the broker's jars that were found and checked."""

    java: Path
    jars: Path


def find_installation() -> Installation:
    """The machine's Java and the installed jars, every checksum compared. Raises `NoJava`, `NotInstalled`."""
    java = find_java()
    folder = jars_folder()
    wrong = lock.complaints(lock.read(), folder)
    if wrong:
        what = "is not installed" if not folder.exists() else f"is damaged ({wrong[0]})"
        raise NotInstalled(f"Apache Kafka {folder.name} {what}: run `payera kafka install` (it goes to {folder})")
    return Installation(java, folder)


@dataclass(frozen=True, slots=True)
class ApacheKafka:
    """One node. Data, address and cluster id stay over restarts as long as `folder` and the ports do."""

    lasting: ClassVar[bool] = True
    administered: ClassVar[bool] = True

    folder: Path
    port: int
    controller_port: int
    installation: Installation

    @property
    def address(self) -> str:
        """`host:port` for clients, known before it runs."""
        return f"{HOST}:{self.port}"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def prepare(self) -> None:
        """Write its settings, and format its storage if there is none. Raises `RuntimeError` with what it said."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._configure(self.data)
        if (self.data / "meta.properties").exists():
            return
        fresh = self.folder / "data.new"
        for path in (fresh, self.data):  # a first start that was interrupted
            shutil.rmtree(path, ignore_errors=True)
        settings = self._configure(fresh)
        command = self._command("kafka.tools.StorageTool", "format", "--cluster-id", _cluster_id(), "-c", str(settings))
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_FORMAT_WITHIN_S)
        if done.returncode != 0:
            raise RuntimeError(f"formatting Kafka's storage failed:\n{(done.stdout + done.stderr).strip()[-1500:]}")
        fresh.rename(self.data)  # whole or not at all
        self._configure(self.data)

    def _configure(self, data: Path) -> Path:
        """Write server.properties; its path."""
        settings = {
            **_SETTINGS,
            "controller.quorum.voters": f"1@{HOST}:{self.controller_port}",
            "listeners": f"CLIENTS://{self.address},CONTROLLER://{HOST}:{self.controller_port}",
            "advertised.listeners": f"CLIENTS://{self.address}",
            "log.dirs": str(data),
        }
        path = self.folder / "server.properties"
        write_private(path, "".join(f"{key}={value}\n" for key, value in settings.items()))
        return path

    def _command(self, main: str, *arguments: str) -> tuple[str, ...]:
        return (
            str(self.installation.java),
            *_JVM,
            f"-Dlog4j2.configurationFile={LOG_SETTINGS}",
            "-cp",
            f"{self.installation.jars}/*",
            main,
            *arguments,
        )

    def spec(self) -> Spec:
        return Spec(
            name="kafka",
            argv=self._command("kafka.Kafka", str(self.folder / "server.properties")),
            healthy=self.healthy,
            cwd=self.folder,
            port=self.port,
            stop_within_s=15.0,
            start_within_s=60.0,
        )

    def healthy(self) -> bool:
        """True once it tells its metadata and counts itself among the brokers that may be used."""
        if not accepts(self.port):
            return False
        quiet: dict[str, Any] = {"log_level": 0, "error_cb": lambda error: None}
        client = AdminClient({"bootstrap.servers": self.address, **quiet})
        try:
            return bool(client.list_topics(timeout=_METADATA_TIMEOUT_S).brokers)
        except KafkaException:
            return False


def _cluster_id() -> str:
    """A fresh id as Kafka makes them: 16 random bytes, no dash in front (it would look like an option)."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode("ascii").rstrip("=")
        if not text.startswith("-"):
            return text
