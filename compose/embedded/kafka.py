"""The Kafka part: how to run `kafka_broker` as a process, and how to run one for the length of a test."""

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from compose.embedded.ports import accepts
from compose.embedded.process import Child, Spec


@dataclass(frozen=True, slots=True)
class Kafka:
    """One broker. Each start is an empty cluster on another port: `address` tells the truth after it is healthy."""

    folder: Path

    @property
    def _ready(self) -> Path:
        return self.folder / "kafka.address"

    @property
    def address(self) -> str:
        """`host:port` of the running broker. Raises `FileNotFoundError` before it is up."""
        return self._ready.read_text(encoding="ascii")

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
