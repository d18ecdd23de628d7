"""Fixtures with real parts: PostgreSQL, Temporal and Kafka are started once per test run and shared by its workers."""

import fcntl
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from compose.embedded import seed
from compose.embedded.http import answers, call
from compose.embedded.ports import HOST, Ports
from compose.embedded.postgres import binaries
from compose.embedded.process import Child, Spec
from compose.embedded.shared import Hold
from tests.parts import Database, Merchant, Parts, Simulators

ROOT = Path(__file__).parent.parent
TEMPLATE = "payera_template"
RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID", "")[:12] or uuid.uuid4().hex[:12]


KINDS = {"embedded": "parts", "containers": "containers"}
STARTING_S = 240.0
"""How long the shared parts may take until they serve, on a machine that does much else."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--parts",
        choices=sorted(KINDS),
        default="embedded",
        help="what the tests' PostgreSQL, Temporal and Kafka are: processes from the wheels, or containers",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With `--parts=containers`: the tests that use the shared parts, and no others."""
    if config.getoption("--parts") == "containers":
        others = [item for item in items if "parts" not in getattr(item, "fixturenames", ())]
        if others:
            config.hook.pytest_deselected(items=others)
            items[:] = [item for item in items if item not in set(others)]
        for item in items:
            if item.get_closest_marker("timeout") is None:  # the first test of a worker waits for the engine as well
                item.add_marker(pytest.mark.timeout(STARTING_S + 120))


def pytest_report_header(config: pytest.Config) -> str:
    return f"parts: {config.getoption('--parts')}"


@pytest.fixture(scope="session")
def parts(pytestconfig: pytest.Config) -> Iterator[Parts]:
    """PostgreSQL (no password, not durable), Temporal and Kafka, the same for all workers of this run.

    With `--parts=containers` they run in containers; what starts an environment of its own (`payera up`) or a part of
    its own keeps the embedded ones.
    """
    hold = Hold(KINDS[pytestconfig.getoption("--parts")], RUN, within_s=STARTING_S)
    yield Parts(**hold.facts)
    hold.release()


def run_sql(parts: Parts, statement: str, database: str = "postgres") -> str:
    """One statement as superuser, outside any event loop."""
    command = [str(binaries() / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", statement]
    address = urlsplit(parts.postgres)._replace(path=f"/{database}").geturl()
    done = subprocess.run([*command, address], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{statement}: {done.stderr}"
    return done.stdout.strip()


def dsn(parts: Parts, database: str, user: str) -> str:
    return f"postgresql://{user}@127.0.0.1:{parts.postgres_port}/{database}"


@pytest.fixture(scope="session")
def template(parts: Parts) -> str:
    """The name of a migrated database that is copied for each test module; built by whichever worker comes first."""
    with (Path(parts.folder) / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if run_sql(parts, f"select 1 from pg_database where datname = '{TEMPLATE}' and datistemplate"):
            return TEMPLATE
        run_sql(parts, f"drop database if exists {TEMPLATE}")
        run_sql(parts, f"create database {TEMPLATE}")
        # In a process of its own: a fixture must not disturb the event loop of the tests.
        command = [sys.executable, "-m", "sql.migrate", dsn(parts, TEMPLATE, "postgres")]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
        assert done.returncode == 0, f"the migrations failed:\n{done.stdout}{done.stderr}"
        run_sql(parts, f"alter database {TEMPLATE} with is_template true allow_connections false")
    return TEMPLATE


@pytest.fixture(scope="module")
def database(parts: Parts, template: str) -> Iterator[Database]:
    """A fresh migrated database for this test module."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    run_sql(parts, f"create database {name} template {template} strategy file_copy")
    yield Database(name, *(dsn(parts, name, user) for user in ("postgres", "payera_app", "payera_relay")))
    run_sql(parts, f"drop database {name} with (force)")


@pytest.fixture(scope="session")
def sims(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulators]:
    """Only the simulators, as a process of this worker's own, without a state folder."""
    ports = Ports()
    control = f"http://{HOST}:{ports.take()}"
    command = [
        sys.executable,
        "-m",
        "simulators.main",
        "--control-port",
        control.rpartition(":")[2],
        "--port-base",
        "0",
    ]
    spec = Spec("simulators", tuple(command), lambda: answers(f"{control}/healthz"), cwd=ROOT)
    child = Child(spec, tmp_path_factory.mktemp("sims") / "simulators.log")
    try:
        child.wait_healthy()
        yield Simulators(control, {each["slug"]: each["url"] for each in call("GET", f"{control}/v1/simulators")})
    finally:
        child.stop()
        ports.release()


@pytest.fixture(scope="session")
def environment() -> Iterator[dict[str, Any]]:
    """A whole environment (`payera up`), one for all workers of this run: its env.json."""
    hold = Hold("environment", RUN)
    yield hold.facts
    hold.release()


@pytest.fixture
def merchant(environment: dict[str, Any]) -> Merchant:
    """A fresh merchant on it, with its own accounts at stripe and dummypay, asked in that order."""
    gateway, control = environment["gateway"], environment["control"]
    made = seed.new_merchant(gateway, environment["admin_key"], "test")
    key = made["secret_key"]
    accounts = {slug: seed.connect(gateway, control, key, slug) for slug in seed.PROVIDERS}
    call("PUT", f"{gateway}/v1/routing", {"providers": list(accounts), "max_fallbacks": 1}, bearer=key)
    return Merchant(made["id"], key, made["publishable_key"], gateway, control, accounts)


# --- in CI, a test that cannot run is a test that fails ---
ALLOWED_SKIP = "absent here:"
"""A skip for what a machine may really lack (another account, the PSPs' published files) begins with this."""
_skips: list[str] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped and not hasattr(report, "wasxfail") and isinstance(report.longrepr, tuple):
        reason = str(report.longrepr[2]).removeprefix("Skipped: ")
        if not reason.startswith(ALLOWED_SKIP):
            _skips.append(f"{report.nodeid}: {reason}")


def _in_ci() -> bool:
    return os.environ.get("CI", "").lower() in {"1", "true"}


def pytest_sessionfinish(session: pytest.Session) -> None:
    if _in_ci() and _skips and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _in_ci() and _skips:
        terminalreporter.section("skipped in CI, which is a failure")
        for line in _skips:
            terminalreporter.line(line)
