"""Containers of the tests: gone with their run, and gone after a run whose guardian was killed."""

import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from compose.containers import engine
from tests.integration.test_environment_parts import wait_until
from tests.parts import Parts

LEAVE = """
import sys
from pathlib import Path
from compose.embedded import containers
made = containers._container(containers.images_named()["temporal"], {}, sys.argv[1])
made.with_command("server start-dev --headless")
print(made.start().get_container_id(), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def in_containers(pytestconfig: pytest.Config, parts: Parts) -> Parts:
    if pytestconfig.getoption("--parts") != "containers":
        pytest.skip("absent here: this is about --parts=containers")
    return parts


def labelled(run: str) -> list[str]:
    """Ids of the containers of a run."""
    return engine.docker("ps", "--all", "--quiet", "--no-trunc", "--filter", f"label=payera.test-parts={run}").split()


def test_the_parts_are_what_they_say(in_containers: Parts) -> None:
    run = Path(in_containers.folder).name
    assert set(in_containers.origin) == {"postgres", "temporal", "kafka"}
    images = engine.docker("inspect", "--format", "{{.Config.Image}}", *labelled(run)).split()
    assert sorted(images) == sorted(image for image in in_containers.origin.values() if image != "embedded")


def test_what_a_killed_run_left_is_removed_and_what_lives_is_not(in_containers: Parts) -> None:
    run = f"payera-test-{uuid.uuid4().hex[:12]}"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", LEAVE, run], text=True, **pipes) as owner:  # type: ignore[call-overload]
        assert owner.stdout is not None
        left = owner.stdout.readline().strip()
        try:
            sweep = [sys.executable, "-m", "compose.embedded.containers", "sweep"]
            subprocess.run(sweep, check=True)
            assert labelled(run) == [left], "its owner lives"
            os.kill(owner.pid, signal.SIGKILL)
            owner.wait()
            mine = labelled(Path(in_containers.folder).name)
            subprocess.run(sweep, check=True)
            wait_until(lambda: labelled(run) == [], "the container of the killed owner is gone")
            assert labelled(Path(in_containers.folder).name) == mine
        finally:
            if labelled(run):
                engine.docker("rm", "--force", "--volumes", *labelled(run))
