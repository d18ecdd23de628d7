"""The Kafka part: how to run `kafka_broker` as a process, and how to run one for the length of a test.

`Broker` is what an environment needs of whichever Kafka it has; the other one is `apache_kafka`.
"""

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

from compose.embedded.ports import accepts
from compose.embedded.process import Child, Spec


class Broker(Protocol):
    """A Kafka of one node, whichever it is."""

    @property
    def lasting(self) -> bool:
        """Whether data and address outlive its process; if not, its clients are started again with it."""

    @property
    def administered(self) -> bool:
        """Whether topics are made by us (compose/topics.yaml), or come into being when they are asked for."""

    @property
    def address(self) -> str:
        """`host:port` for clients."""

    def prepare(self) -> None:
        """What must be there before its process starts."""

    def spec(self) -> Spec:
        """How to start it."""


@dataclass(frozen=True, slots=True)
class Kafka:
    """The little broker. Each start is an empty cluster on another port: `address` is known once it is healthy."""

    lasting: ClassVar[bool] = False
    administered: ClassVar[bool] = False

    folder: Path

    @property
    def _ready(self) -> Path:
        return self.folder / "kafka.address"

    @property
    def address(self) -> str:
        """`host:port` of the running broker. Raises `FileNotFoundError` before it is up."""
        return self._ready.read_text(encoding="ascii")

    def prepare(self) -> None:
        """Nothing: it keeps nothing on disk."""

    def spec(self) -> Spec:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._ready.unlink(missing_ok=True)  # of an earlier start
        return Spec(
            name="kafka",
            argv=(sys.executable, "-m", "compose.embedded.kafka_broker", str(self._ready)),
            healthy=self.healthy,
            cwd=Path(__file__).parents[2],
        )

    def healthy(self) -> bool:
        return self._ready.exists() and accepts(int(self.address.rpartition(":")[2]))


@contextlib.contextmanager
def running(folder: Path) -> Iterator[str]:
    """A broker of one's own for the length of the block: `host:port`."""
    kafka = Kafka(folder)
    child = Child(kafka.spec(), folder / "kafka.log")
    try:
        child.wait_healthy()
        yield kafka.address
    finally:
        child.stop()
