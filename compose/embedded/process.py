"""One child process: started with its own log and pid file, found again after a crash, ended for certain.

A child dies with the process that started it (Linux: PR_SET_PDEATHSIG), so that a supervisor killed with -9 leaves
nothing behind. The signal follows the *thread* that forked: start children from the main thread.
"""

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG = 1
_LINUX: bool = sys.platform == "linux"
_LIBC = ctypes.CDLL(None, use_errno=True) if _LINUX else None
TAIL_LINES = 15


class ProcessFailed(Exception):
    """A process ended, or never became healthy. `name` says which; `tail` holds the last lines of its log."""

    def __init__(self, name: str, what: str, tail: str) -> None:
        super().__init__(f"{name}: {what}" + (f"\nlast lines of its log:\n{tail}" if tail else ""))
        self.name = name
        self.what = what
        self.tail = tail


@dataclass(frozen=True, slots=True)
class Spec:
    """How to run one process. `healthy` answers at once (within about a second) and never raises.

    `orphan_signal` is what the process gets when the one that started it dies; `stop_signal` asks it to end, and
    `stop_within_s` seconds later it is killed. `user` drops root to that account.
    """

    name: str
    argv: tuple[str, ...]
    healthy: Callable[[], bool]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    port: int | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    orphan_signal: signal.Signals = signal.SIGKILL
    stop_within_s: float = 5.0
    start_within_s: float = 30.0
    user: str | None = None


def clean_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """A child's environment: the caller's without its `PAYERA_*`, so that settings come from `extra` alone."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PAYERA_")}
    return {**kept, "PYTHONUNBUFFERED": "1", **extra}


def started_at(pid: int) -> str | None:
    """A word that tells this process from a later one of the same number; None if there is none (or a zombie)."""
    if _LINUX:
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
        except OSError:
            return None
        state, *rest = stat.rpartition(")")[2].split()
        return None if state in "ZX" else rest[18]
    shown = subprocess.run(["/bin/ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return shown.stdout.strip() or None


def _before_exec(orphan_signal: int, parent: int) -> Callable[[], None] | None:
    libc = _LIBC
    if libc is None:
        return None

    def prepare() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, orphan_signal, 0, 0, 0)
        if os.getppid() != parent:  # it died between fork and prctl: nobody would tell us any more
            os._exit(1)

    return prepare


def tail_of(log: Path, lines: int = TAIL_LINES) -> str:
    """The last lines of a log, or an empty text if there is none."""
    try:
        with log.open("rb") as stream:
            stream.seek(0, os.SEEK_END)
            stream.seek(max(0, stream.tell() - 16_384))
            text = stream.read().decode("utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


class Child:
    """A started process. Whoever holds this is its parent and must `stop` it (or die, which ends it too)."""

    def __init__(self, spec: Spec, log: Path, pid_file: Path | None = None) -> None:
        self.spec = spec
        self.log = log
        self.pid_file = pid_file
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            self.popen = subprocess.Popen(
                spec.argv,
                stdin=subprocess.DEVNULL,
                stdout=descriptor,
                stderr=descriptor,
                env=clean_environment(spec.env),
                cwd=spec.cwd,
                start_new_session=True,
                user=spec.user,
                group=_group_of(spec.user),
                extra_groups=[] if spec.user else None,
                preexec_fn=_before_exec(spec.orphan_signal, os.getpid()),
            )
        finally:
            os.close(descriptor)
        self.since = time.time()
        if pid_file is not None:
            write_private(pid_file, json.dumps({"name": spec.name, "pid": self.pid, "started": started_at(self.pid)}))

    @property
    def pid(self) -> int:
        return self.popen.pid

    def exit_code(self) -> int | None:
        """None while it runs, then its exit code (minus the signal's number if one ended it)."""
        code = self.popen.poll()
        if code is not None and self.pid_file is not None:
            self.pid_file.unlink(missing_ok=True)
        return code

    def failure(self, what: str) -> ProcessFailed:
        return ProcessFailed(self.spec.name, what, tail_of(self.log))

    def check_started(self, deadline: float) -> bool:
        """True once healthy. Raises `ProcessFailed` if it ended or `deadline` (monotonic seconds) has passed."""
        code = self.exit_code()
        if code is not None:
            raise self.failure(f"ended while starting, {describe_exit(code)}")
        if self.spec.healthy():
            return True
        if time.monotonic() > deadline:
            raise self.failure(f"not healthy after {self.spec.start_within_s:g} s")
        return False

    def wait_healthy(self) -> None:
        """Block until healthy; raises `ProcessFailed` otherwise."""
        deadline = time.monotonic() + self.spec.start_within_s
        while not self.check_started(deadline):
            time.sleep(0.02)

    def signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.popen.send_signal(number)

    def stop(self) -> int:
        """Ask it to end, kill it if it does not within `stop_within_s`; its exit code."""
        if self.exit_code() is None:
            self.signal(self.spec.stop_signal)
            try:
                self.popen.wait(self.spec.stop_within_s)
            except subprocess.TimeoutExpired:
                self.signal(signal.SIGKILL)
                self.popen.wait()
        code = self.exit_code()
        if code is None:  # wait() returned, so the code is known
            raise self.failure("still running after SIGKILL")
        return code


def _group_of(user: str | None) -> int | None:
    if user is None:
        return None
    import pwd  # only where a user is dropped to: the module is missing on some systems

    return pwd.getpwnam(user).pw_gid


def describe_exit(code: int) -> str:
    """An exit code in words: `exit code 1`, `killed by SIGKILL`."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def write_private(path: Path, text: str) -> None:
    """Replace a file in one step, readable by its owner alone."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
    fresh.replace(path)


def leftovers(run_folder: Path) -> list[dict[str, Any]]:
    """Processes recorded in `run_folder` that still live; records of dead ones are removed on the way."""
    found: list[dict[str, Any]] = []
    for record in sorted(run_folder.glob("*.pid")):
        entry: dict[str, Any] = {}
        try:
            entry = json.loads(record.read_text(encoding="utf-8"))
            alive = entry["started"] is not None and started_at(int(entry["pid"])) == entry["started"]
        except (OSError, ValueError, KeyError):
            alive = False
        if alive:
            found.append(entry)
        else:
            record.unlink(missing_ok=True)
    return found


def end_leftovers(run_folder: Path, within_s: float = 5.0) -> list[str]:
    """End what `leftovers` finds: SIGINT, so that PostgreSQL closes its files, then SIGKILL. Names of those ended."""
    found = leftovers(run_folder)
    for number, patience in ((signal.SIGINT, within_s / 2), (signal.SIGKILL, within_s / 2)):
        alive = leftovers(run_folder)
        for entry in alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(entry["pid"]), number)
        deadline = time.monotonic() + patience
        while alive and time.monotonic() < deadline:
            time.sleep(0.02)
            alive = leftovers(run_folder)
        if not alive:
            break
    return [str(entry["name"]) for entry in found]
