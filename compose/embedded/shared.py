"""Real parts shared by several processes (the workers of one test run) and gone with the last of them.

A guardian process owns the parts. Whoever wants them connects to its Unix socket and keeps the connection open: that
connection *is* the reference, so a worker that is killed gives it back as surely as one that ends. When the last one is
gone the guardian stops everything and removes the folder.
"""

import contextlib
import fcntl
import json
import os
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from compose.embedded.kafka import Kafka
from compose.embedded.ports import Ports
from compose.embedded.postgres import FOR_TESTS, Postgres
from compose.embedded.process import Child, clean_environment, tail_of
from compose.embedded.temporal import Temporal

_FIRST_CLIENT_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Parts:
    """Running parts: `postgres` is the superuser's DSN (database `postgres`), the others are `host:port`.

    `origin` says of each part what it is: `embedded`, or the image of its container.
    """

    postgres: str
    postgres_port: int
    temporal: str
    kafka: str
    folder: str
    origin: dict[str, str] = field(default_factory=lambda: dict.fromkeys(("postgres", "temporal", "kafka"), "embedded"))


def temporary_root() -> Path:
    """Where short-lived state is fastest: `/dev/shm` if there is room to use it, else the system's temporary folder."""
    memory = Path("/dev/shm")  # noqa: S108 - folders made below it have mode 700
    if memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2 << 30:
        return memory
    return Path(tempfile.gettempdir())


@contextlib.contextmanager
def _parts(folder: Path) -> Iterator[dict[str, Any]]:
    """PostgreSQL (not durable, `trust`), Temporal and Kafka, for the length of the block."""
    ports = Ports()
    postgres = Postgres(folder / "postgres", ports.take(), settings=tuple(FOR_TESTS.items()))
    temporal = Temporal(folder / "temporal", ports.take(), ports.take(), ports.take())
    kafka = Kafka(folder / "kafka")
    children: list[Child] = []
    try:
        children.append(Child(temporal.spec(), folder / "temporal.log"))
        children.append(Child(kafka.spec(), folder / "kafka.log"))
        postgres.prepare()
        children.append(Child(postgres.spec(), folder / "postgres.log"))
        for child in children:
            child.wait_healthy()
        yield asdict(Parts(postgres.dsn(), postgres.port, temporal.address, kafka.address, str(folder)))
    finally:
        for child in children:
            child.signal(child.spec.orphan_signal)  # nothing here is worth a slow goodbye
        for child in children:
            child.stop()


@contextlib.contextmanager
def _containers(folder: Path) -> Iterator[dict[str, Any]]:
    """The same parts in containers, for the length of the block."""
    from compose.embedded import containers  # testcontainers is there for development only

    with containers.running(folder) as facts:
        yield facts


@contextlib.contextmanager
def _environment(folder: Path) -> Iterator[dict[str, Any]]:
    """A whole environment (`payera up`) for the length of the block: its env.json."""
    from compose.embedded import environment  # heavier, and not needed by those who want the parts alone

    state = folder / "state"
    environment.up(state, port_base=0, owner_pid=os.getpid())
    try:
        yield {**environment.read_env(state), "state": str(state)}
    finally:
        environment.down(state)


KINDS: dict[str, Callable[[Path], contextlib.AbstractContextManager[dict[str, Any]]]] = {
    "parts": _parts,
    "containers": _containers,
    "environment": _environment,
}


def _locked(folder: Path) -> int | None:
    """Take the lock beside `folder`: its descriptor, or None if somebody else holds it (or removed it meanwhile)."""
    path = folder.with_suffix(".lock")
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if path.exists() and os.fstat(lock).st_ino == path.stat().st_ino:
            return lock
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(lock)
    return None


def guard(kind: str, folder: Path) -> None:
    """The guardian's whole life. The lock beside its folder makes sure that there is only one."""
    lock = _locked(folder)
    if lock is None:
        return  # another guardian was quicker
    folder.mkdir(mode=0o700, exist_ok=True)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        address = folder / "guardian.sock"
        address.unlink(missing_ok=True)
        server.bind(str(address))
        server.listen(64)
        with KINDS[kind](folder) as facts:
            _serve(server, json.dumps({"ok": True, "facts": facts}).encode() + b"\n")
        folder.with_suffix(".log").unlink(missing_ok=True)
    except Exception as error:  # whoever waits must learn why
        _report_failure(server, f"{type(error).__name__}: {error}")
        raise
    finally:
        server.close()
        shutil.rmtree(folder, ignore_errors=True)
        folder.with_suffix(".lock").unlink(missing_ok=True)
        os.close(lock)


def _serve(server: socket.socket, answer: bytes) -> None:
    clients: list[socket.socket] = []
    nobody_yet = time.monotonic() + _FIRST_CLIENT_WITHIN_S
    while clients or time.monotonic() < nobody_yet:
        ready, _, _ = select.select([server, *clients], [], [], 1.0)
        for waiting in ready:
            if waiting is server:
                client, _ = server.accept()
                clients.append(client)
                nobody_yet = 0.0
                with contextlib.suppress(OSError):
                    client.sendall(answer)
            else:  # a client never says anything: readable means gone
                waiting.close()
                clients.remove(waiting)


def _report_failure(server: socket.socket, why: str) -> None:
    server.settimeout(2.0)
    with contextlib.suppress(OSError):
        while True:
            client, _ = server.accept()
            with client:
                client.sendall(json.dumps({"ok": False, "why": why}).encode() + b"\n")


class Hold:
    """A reference to shared parts: `facts` while held, given back by `release` or by the end of this process."""

    def __init__(self, kind: str, run: str, within_s: float = 120.0) -> None:
        folder = temporary_root() / f"payera-{kind}-{os.getuid()}-{run}"
        log = folder.with_suffix(".log")
        deadline = time.monotonic() + within_s
        while True:
            facts = self._try(folder, deadline)
            if facts is not None:
                break
            if time.monotonic() > deadline:
                raise RuntimeError(f"the shared {kind} did not start within {within_s:g} s:\n{tail_of(log)}")
            self._start_guardian(kind, folder, log)
            time.sleep(0.1)
        self.facts: dict[str, Any] = facts

    def _try(self, folder: Path, deadline: float) -> dict[str, Any] | None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(max(0.1, deadline - time.monotonic()))
        try:
            self._socket.connect(str(folder / "guardian.sock"))
            with self._socket.makefile("rb") as stream:
                line = stream.readline()
        except OSError:
            line = b""
        if not line:  # none there, or just leaving
            self._socket.close()
            return None
        answer = json.loads(line)
        if not answer["ok"]:
            self._socket.close()
            raise RuntimeError(f"the shared parts did not start: {answer['why']}")
        facts: dict[str, Any] = answer["facts"]
        return facts

    def _start_guardian(self, kind: str, folder: Path, log: Path) -> None:
        """Start one unless it runs already; the loser of a race ends by itself."""
        probe = _locked(folder)
        if probe is None:
            return
        os.close(probe)
        with log.open("ab") as output:
            subprocess.run(
                [sys.executable, "-m", "compose.embedded.shared", kind, str(folder)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=Path(__file__).parents[2],
                env=clean_environment({}),
                check=True,
            )
        until = time.monotonic() + 5
        while not (folder / "guardian.sock").exists() and time.monotonic() < until:
            time.sleep(0.02)

    def release(self) -> None:
        self._socket.close()


if __name__ == "__main__":
    if (
        os.fork()
    ):  # leave the caller's session and care: Ctrl-C there ends the tests, and the guardian then ends by itself
        os._exit(0)
    os.setsid()
    guard(sys.argv[1], Path(sys.argv[2]))
