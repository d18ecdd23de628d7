"""Fixtures with real parts: PostgreSQL, Temporal and Kafka are started once per test run and shared by its workers."""

import fcntl
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from compose.embedded.postgres import binaries
from compose.embedded.shared import Hold
from tests.parts import Database, Parts

ROOT = Path(__file__).parent.parent
TEMPLATE = "payera_template"
RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID", "")[:12] or uuid.uuid4().hex[:12]


@pytest.fixture(scope="session")
def parts() -> Iterator[Parts]:
    """PostgreSQL (no password, not durable), Temporal and Kafka, the same for all workers of this run."""
    hold = Hold("parts", RUN)
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
