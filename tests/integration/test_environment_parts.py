"""The shared parts: one set for all, alive while held, gone afterwards."""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from compose.embedded.ports import accepts
from compose.embedded.shared import Hold, temporary_root
from tests.conftest import run_sql
from tests.parts import Database, Parts

HOLDER = """
import signal, sys
from compose.embedded.shared import Hold
hold = Hold("parts", sys.argv[1])
facts = hold.facts
print(facts["postgres_port"], facts["folder"], flush=True)
signal.pause()
"""


def wait_until(condition: Callable[[], bool], what: str, within_s: float = 20.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {within_s:g} s: {what}"
        time.sleep(0.05)


def test_the_parts_answer(parts: Parts) -> None:
    assert run_sql(parts, "show server_version").startswith("18")
    for address in (parts.temporal, parts.kafka):
        assert accepts(int(address.rpartition(":")[2]))


def test_parts_are_one_for_all_holders_and_survive_the_death_of_the_one_that_started_them() -> None:
    run = uuid.uuid4().hex[:12]
    command = [sys.executable, "-c", HOLDER, run]
    holders = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    try:
        lines = [holder.stdout.readline().split() for holder in holders if holder.stdout]
        assert lines[0] == lines[1]
        port, folder = int(lines[0][0]), Path(lines[0][1])
        holders[0].kill()
        mine = Hold("parts", run)
        os.kill(holders[1].pid, signal.SIGKILL)
        assert mine.facts["postgres_port"] == port
        assert accepts(port)
        mine.release()
        wait_until(lambda: not accepts(port) and not folder.exists(), "the parts are gone with their last holder")
        assert [path.name for path in temporary_root().glob(f"*{run}*")] == []
    finally:
        for holder in holders:
            holder.kill()
            holder.communicate()


def test_each_module_gets_a_migrated_database_of_its_own(parts: Parts, database: Database) -> None:
    assert run_sql(parts, "select count(*) > 0 from core.migration", database.name) == "t"
    assert database.app == f"postgresql://payera_app@127.0.0.1:{parts.postgres_port}/{database.name}"
