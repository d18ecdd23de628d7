"""The environment as people use it: up, seen, broken on purpose, mended, down. Its parts alone, which is quick."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from compose.embedded import environment
from compose.embedded.environment import EnvironmentFailed
from compose.embedded.layout import Layout
from compose.embedded.ports import Ports, accepts
from compose.embedded.process import started_at
from compose.embedded.services import choose_ports
from compose.embedded.shared import temporary_root

PAYERA = (sys.executable, "-m", "compose.cli.main")
ROOT = Path(__file__).parents[2]
PORT = re.compile(r":(\d+)")


def payera(*words: str, state: Path, **more: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PAYERA_STATE": str(state), "COLUMNS": "200", **more}
    return subprocess.run([*PAYERA, *words], capture_output=True, text=True, env=env, cwd=ROOT, check=False)


@pytest.fixture
def state() -> Iterator[Path]:
    """An empty place for one environment, which is down and gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="payera-test-", dir=temporary_root()))
    yield folder / "state"
    environment.down(folder / "state")
    shutil.rmtree(folder)


def processes(state: Path) -> dict[str, int]:
    """Pid by name of everything that runs for this environment, its supervisor included."""
    answer = environment.status(state)
    assert answer is not None
    return {"supervisor": answer["pid"], **{row["name"]: row["pid"] for row in answer["processes"] if row["running"]}}


def addresses(state: Path) -> list[int]:
    env = environment.read_env(state)
    return [
        int(found) for key in ("postgres", "temporal", "kafka") for found in re.findall(r"127\.0\.0\.1:(\d+)", env[key])
    ]


def assert_nothing_left(pids: dict[str, int], ports: list[int], state: Path) -> None:
    assert {name: pid for name, pid in pids.items() if started_at(pid) is not None} == {}
    assert [port for port in ports if accepts(port)] == []
    found = subprocess.run(["pgrep", "-f", str(state)], capture_output=True, text=True, check=False)
    assert found.stdout == ""
    assert not Layout(state).env_file.exists()


def test_up_is_idempotent_and_down_leaves_no_process_and_no_port(state: Path) -> None:
    first = payera("up", "--parts", "--port-base", "0", state=state)
    assert first.returncode == 0, first.stderr
    pids, ports = processes(state), addresses(state)
    second = payera("up", "--parts", "--port-base", "0", state=state)
    assert second.returncode == 0
    assert "already running" in second.stdout
    assert processes(state) == pids
    assert payera("status", state=state).returncode == 0
    began = time.monotonic()
    assert payera("down", state=state).returncode == 0
    assert time.monotonic() - began < 10
    assert_nothing_left(pids, ports, state)
    assert payera("status", state=state).returncode == 3
    assert payera("down", state=state).returncode == 0


def test_secrets_are_closed_to_others_and_the_database_wants_a_password(state: Path) -> None:
    environment.up(state, port_base=0, parts_only=True)
    env = environment.read_env(state)
    assert state.stat().st_mode & 0o777 == 0o700
    secret = [
        state / name for name in ("env.json", "secrets.json", "keys/kek.json", "keys/codec.key", "supervisor.sock")
    ]
    assert [path.name for path in secret if path.stat().st_mode & 0o077] == []
    kek = json.loads((state / "keys" / "kek.json").read_text(encoding="utf-8"))
    assert list(kek["keys"]) == [kek["current"]]
    without = re.sub(r":[^:@/]+@", "@", env["postgres"])
    from compose.embedded.postgres import binaries

    command = [str(binaries() / "psql"), "-X", "-w", "-c", "select 1", without]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "password" in refused.stderr
    assert refused.returncode != 0


def test_a_crashed_process_is_shown_by_name_with_its_last_lines_and_mended_by_up(state: Path) -> None:
    environment.up(state, port_base=0, parts_only=True)
    pid = processes(state)["temporal"]
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while started_at(pid) is not None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    shown = payera("status", state=state)
    assert shown.returncode == 1
    assert "temporal: ended, killed by SIGKILL; last lines of" in shown.stdout
    assert "Temporal Server:" in shown.stdout.partition("last lines of")[2]
    mended = payera("up", "--parts", state=state)
    assert mended.returncode == 0
    assert "repaired" in mended.stdout
    assert payera("status", state=state).returncode == 0
    assert processes(state)["temporal"] != pid


def test_one_process_is_killed_and_restarted_on_order(state: Path) -> None:
    environment.up(state, port_base=0, parts_only=True)
    before = processes(state)
    port = addresses(state)[0]
    assert payera("process", "kill", "postgres", state=state).returncode == 0
    assert not accepts(port)
    again = payera("process", "kill", "postgres", state=state)
    assert (again.returncode, "postgres is not running" in again.stderr) == (1, True)
    assert payera("process", "restart", "postgres", state=state).returncode == 0
    assert accepts(port)
    after = processes(state)
    assert {name for name in after if after[name] != before[name]} == {"postgres"}
    wrong = payera("process", "restart", "nobody", state=state)
    assert (wrong.returncode, "no process named 'nobody'" in wrong.stderr) == (1, True)


def test_a_restarted_kafka_is_announced_at_its_new_port(state: Path) -> None:
    environment.up(state, port_base=0, parts_only=True)
    before = environment.read_env(state)["kafka"]
    environment.order(state, {"do": "restart", "name": "kafka"})
    after = environment.read_env(state)["kafka"]
    assert after != before
    assert accepts(int(after.rpartition(":")[2]))


def test_down_works_when_the_supervisor_was_killed(state: Path) -> None:
    environment.up(state, port_base=0, parts_only=True)
    pids, ports = processes(state), addresses(state)
    os.kill(pids["supervisor"], signal.SIGKILL)
    shown = payera("status", state=state)
    assert (shown.returncode, "supervisor: killed" in shown.stdout) == (1, True)
    environment.down(state)
    assert_nothing_left(pids, ports, state)
    environment.up(state, port_base=0, parts_only=True)
    assert environment.status(state) is not None


def test_the_children_die_with_a_killed_supervisor(state: Path) -> None:
    environment.up(state, port_base=0, parts_only=True)
    pids, ports = processes(state), addresses(state)
    os.kill(pids["supervisor"], signal.SIGKILL)
    deadline = time.monotonic() + 10
    while any(started_at(pid) is not None for pid in pids.values()):
        assert time.monotonic() < deadline, pids
        time.sleep(0.05)
    assert [port for port in ports if accepts(port)] == []


def test_two_environments_start_at_once_and_do_not_meet(state: Path) -> None:
    states = [state, state.with_name("other")]
    try:
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda each: environment.up(each, parts_only=True), states))
        ports = [set(addresses(each)) for each in states]
        assert len(ports[0] | ports[1]) == 6
        environment.down(states[0])
        assert all(accepts(port) for port in ports[1])
    finally:
        environment.down(states[1])


def test_a_start_that_fails_names_the_process_and_leaves_nothing(state: Path) -> None:
    environment.up(state, port_base=0, parts_only=True)
    environment.down(state)
    (state / "postgres" / "data" / "PG_VERSION").write_text("9\n")
    failed = payera("up", "--parts", "--port-base", "0", state=state)
    assert failed.returncode == 1
    assert "postgres: ended while starting, exit code 1" in failed.stderr
    assert "database files are incompatible with server" in failed.stderr
    assert environment.status(state) is None
    found = subprocess.run(["pgrep", "-f", str(state)], capture_output=True, text=True, check=False)
    assert found.stdout == ""


def test_an_environment_with_an_owner_ends_with_it(state: Path) -> None:
    owner = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    try:
        environment.up(state, port_base=0, parts_only=True, owner_pid=owner.pid)
        pids = processes(state)
    finally:
        owner.kill()
        owner.wait()
    deadline = time.monotonic() + 15
    while any(started_at(pid) is not None for pid in pids.values()):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_state_folder_with_a_long_path_works(state: Path) -> None:
    deep = state / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    environment.up(deep, port_base=0, parts_only=True)
    control = Path(environment.read_env(deep)["supervisor"])
    assert len(str(control)) < 108
    environment.down(deep)
    assert not control.parent.exists()


def test_a_taken_port_is_replaced_and_a_claimed_one_as_well() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        mine, others = Ports(), Ports()
        chosen = choose_ports(mine, port)
        assert chosen["api"] != port
        assert chosen["control"] == port + 20
        assert choose_ports(others, port)["control"] != port + 20
        mine.release()
        others.release()


def ordinary(folder: Path) -> tuple[list[str], dict[str, Any]]:
    """How to run a command as an ordinary user: a prefix, and options for subprocess.

    `nobody` where that account can reach this Python, else an ordinary user inside a namespace.
    """
    account: dict[str, Any] = {"user": "nobody", "group": 65534, "extra_groups": []}
    try:
        subprocess.run([sys.executable, "-c", "import typer"], check=True, cwd=ROOT, **account)
    except (PermissionError, subprocess.CalledProcessError):
        return ["unshare", "--user", "--map-user=1000", "--map-group=1000"], {}
    shutil.chown(folder, "nobody")
    return [], account


@pytest.mark.skipif(os.geteuid() != 0, reason="absent here: only root can become another user")
def test_an_ordinary_user_can_run_it() -> None:
    folder = Path(tempfile.mkdtemp(prefix="payera-ordinary-", dir=tempfile.gettempdir()))
    prefix, account = ordinary(folder)
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "PAYERA_STATE": str(folder / "state"), "COLUMNS": "200"}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [*prefix, *words]
        return subprocess.run(command, capture_output=True, text=True, env=env, cwd=ROOT, check=False, **account)

    assert run("id", "-u").stdout.strip() != "0"
    try:
        started = run(*PAYERA, "up", "--parts", "--port-base", "0")
        assert started.returncode == 0, started.stdout + started.stderr
        assert run(*PAYERA, "status").returncode == 0
    finally:
        ended = run(*PAYERA, "down")
        shutil.rmtree(folder)
    assert ended.returncode == 0
    found = subprocess.run(["pgrep", "-f", str(folder)], capture_output=True, text=True, check=False)
    assert found.stdout == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="absent here: only root drops to another account")
def test_where_user_namespaces_are_refused_postgres_drops_to_an_account() -> None:
    folder = Path(tempfile.mkdtemp(prefix="payera-drop-", dir=tempfile.gettempdir()))
    folder.chmod(0o711)
    try:
        started = payera("up", "--parts", "--port-base", "0", state=folder / "state", PAYERA_POSTGRES_USER="nobody")
        assert started.returncode == 0, started.stdout + started.stderr
        pid = processes(folder / "state")["postgres"]
        assert Path(f"/proc/{pid}").stat().st_uid == 65534
        assert (folder / "state" / "secrets.json").stat().st_mode & 0o077 == 0
    finally:
        payera("down", state=folder / "state")
        shutil.rmtree(folder)


def test_orders_to_nobody_say_so(state: Path) -> None:
    with pytest.raises(EnvironmentFailed, match="no environment is running"):
        environment.order(state, {"do": "restart", "name": "api"})
    with pytest.raises(EnvironmentFailed, match="payera up"):
        environment.read_env(state)
