"""An environment as the command line and the tests see it: up, down, status, and orders to its processes."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from compose.embedded.apache_kafka import NotInstalled, find_installation
from compose.embedded.control import NoSupervisor, ask
from compose.embedded.java import NoJava
from compose.embedded.layout import Layout, read_json
from compose.embedded.process import clean_environment, end_leftovers, leftovers, started_at, tail_of
from compose.embedded.services import APACHE, LITTLE
from compose.embedded.supervisor import Options

Json = dict[str, Any]
_UP_WITHIN_S = 120.0


class EnvironmentFailed(Exception):
    """The environment did not come up, or refused an order. The message names the process and shows its last words."""


def up(
    state: Path,
    *,
    port_base: int | None = None,
    parts_only: bool = False,
    kafka: str | None = None,
    extra: Mapping[str, str] | None = None,
    owner_pid: int | None = None,
    progress: Callable[[str], None] = lambda line: None,
) -> str:
    """Bring the environment up and return once everything is healthy: `started`, `running` (it was) or `repaired`.

    With `parts_only` it is PostgreSQL (migrated), Temporal and Kafka alone. With `owner_pid` it ends when that process
    does. `kafka` is `librdkafka` (the little broker, the default) or `apache`, which needs Java and the installed jars.
    `extra`: settings for the gateway's processes. Raises `EnvironmentFailed`; nothing is left running then.
    """
    if kafka not in (None, LITTLE, APACHE):
        raise EnvironmentFailed(f"there is no broker named {kafka!r}: {LITTLE} or {APACHE}")
    layout = Layout(state.absolute())
    try:
        return _join(layout, kafka, progress)
    except NoSupervisor:
        pass
    apache = _apache() if kafka == APACHE else None
    layout.create()
    owner = (owner_pid, started_at(owner_pid) or "") if owner_pid is not None else None
    options = Options(str(layout.state), port_base, parts_only, dict(extra or {}), owner, apache)
    _clear_traces(layout)
    with layout.log("supervisor").open("ab") as log:
        subprocess.run(
            [sys.executable, "-m", "compose.embedded.supervisor", json.dumps(asdict(options))],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=Path(__file__).parents[2],
            env=clean_environment(_own_settings()),
            check=True,
        )
    _wait_ready(layout, progress)
    return "started"


def _apache() -> tuple[str, str]:
    """Java and the folder of jars, before anything is started."""
    try:
        found = find_installation()
    except (NoJava, NotInstalled) as error:
        raise EnvironmentFailed(str(error)) from error
    return str(found.java), str(found.jars)


def _own_settings() -> dict[str, str]:
    """Those `PAYERA_*` of the caller that are meant for the environment itself, not for a process in it."""
    return {key: os.environ[key] for key in ("PAYERA_POSTGRES_USER",) if key in os.environ}


def _clear_traces(layout: Layout) -> None:
    """Logs, and the reason of a failed start, tell of one life of the environment."""
    lock = layout.lock()
    if lock is None:
        return
    for trace in (*layout.logs.glob("*.log"), layout.failure_file):
        trace.unlink(missing_ok=True)
    os.close(lock)


def _join(layout: Layout, kafka: str | None, progress: Callable[[str], None]) -> str:
    """What `up` means where a supervisor is already there."""
    answer = ask(layout.socket, {"do": "status"})
    if kafka is not None and answer["broker"] != kafka and answer["phase"] != "stopping":
        raise EnvironmentFailed(
            f"it runs with the broker {answer['broker']}: `payera down` first, then up with {kafka}"
        )
    if answer["phase"] == "starting":
        _wait_ready(layout, progress)
        return "started"
    if answer["phase"] == "stopping":
        _wait_gone(layout, 15.0)
        raise NoSupervisor(str(layout.socket))
    dead = [row for row in answer["processes"] if not row["running"]]
    if not dead:
        return "running"
    for row in dead:
        progress(f"{row['name']} had ended ({row['state']}); starting it again. Its last words:\n{row['tail']}")
    answer = ask(layout.socket, {"do": "repair"})
    if not answer["ok"]:
        raise EnvironmentFailed(answer["error"])
    return "repaired"


def _wait_ready(layout: Layout, progress: Callable[[str], None]) -> None:
    deadline = time.monotonic() + _UP_WITHIN_S
    seen: set[str] = set()
    born_by = time.monotonic() + 10
    while time.monotonic() < deadline:
        time.sleep(0.15)
        try:
            answer = ask(layout.socket, {"do": "status"})
        except NoSupervisor:
            lock = layout.lock()
            if lock is not None:  # nobody owns the environment: not born yet, or dead already
                os.close(lock)
                failure = read_json(layout.failure_file)
                if failure is not None or time.monotonic() > born_by:
                    raise EnvironmentFailed(_failure_text(layout, failure)) from None
            continue
        for row in answer["processes"]:
            if row["healthy"] and row["name"] not in seen:
                seen.add(row["name"])
                progress(f"{row['name']} is healthy")
        if answer["phase"] == "ready":
            return
    raise EnvironmentFailed(f"not up within {_UP_WITHIN_S:g} s; see {layout.logs}")


def _failure_text(layout: Layout, failure: Json | None) -> str:
    if failure is None:
        return f"the supervisor ended without a word:\n{tail_of(layout.log('supervisor'))}"
    if failure["name"] is None:
        return str(failure["what"])
    log = layout.log(failure["name"])
    return f"{failure['name']}: {failure['what']}\nlast lines of {log}:\n{failure['tail']}"


def down(state: Path, *, erase: bool = False, within_s: float = 20.0) -> list[str]:
    """Stop the environment, also one whose supervisor was killed; with `erase`, remove its state folder too.

    Returns the names of processes that a dead supervisor had left and that were ended here. Raises
    `EnvironmentFailed` if something still runs after `within_s` seconds.
    """
    layout = Layout(state.absolute())
    ended: list[str] = []
    if layout.state.exists():
        with contextlib.suppress(NoSupervisor):
            ask(layout.socket, {"do": "stop"}, timeout_s=5.0)
        _wait_gone(layout, within_s)
        ended = end_leftovers(layout.run)
        layout.env_file.unlink(missing_ok=True)
        layout.socket.unlink(missing_ok=True)
        if layout.socket.parent != layout.state:
            with contextlib.suppress(OSError):
                layout.socket.parent.rmdir()
        if erase:
            shutil.rmtree(layout.state)
    return ended


def _wait_gone(layout: Layout, within_s: float) -> None:
    """Wait until no supervisor owns the environment; a stuck one is ended by its pid file."""
    deadline = time.monotonic() + within_s
    while True:
        lock = layout.lock()
        if lock is not None:
            os.close(lock)
            return
        if time.monotonic() > deadline:
            end_leftovers(layout.run)
            if time.monotonic() > deadline + 10:
                raise EnvironmentFailed(f"still running: {[entry['name'] for entry in leftovers(layout.run)]}")
        time.sleep(0.03)


def was_killed(state: Path) -> bool:
    """True if a supervisor ended without a goodbye: its pid file is still there, and nobody owns the environment."""
    layout = Layout(state.absolute())
    if not layout.pid_file("supervisor").exists():
        return False
    lock = layout.lock()
    if lock is not None:
        os.close(lock)
    return lock is not None


def status(state: Path) -> Json | None:
    """What the supervisor says: phase and one row per process; None if no supervisor runs."""
    try:
        return ask(Layout(state.absolute()).socket, {"do": "status"})
    except NoSupervisor:
        return None


def order(state: Path, request: Json) -> Json:
    """Send `kill` or `restart`. Raises `EnvironmentFailed` if the supervisor refuses or is not there."""
    try:
        answer = ask(Layout(state.absolute()).socket, request)
    except NoSupervisor as error:
        raise EnvironmentFailed(f"no environment is running in {state}") from error
    if not answer["ok"]:
        raise EnvironmentFailed(answer["error"])
    return answer


def read_env(state: Path) -> Json:
    """The parsed env.json. Raises `EnvironmentFailed` if the environment is not up."""
    env = read_json(Layout(state.absolute()).env_file)
    if env is None:
        raise EnvironmentFailed(f"no environment is up in {state}: `payera up` starts one")
    found: Json = env
    return found
