"""The environment on containers as the command line and the tests see it: up, down, status."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Any

from compose.bin_table import seed_bins
from compose.containers import demo, engine, images, state
from compose.containers.engine import EngineFailed
from compose.containers.project import Container, Project
from compose.containers.state import Folder, Published

_HEALTHY_WITHIN_S = 120.0
_RESTARTS = 3
"""As often as the engine has started it again: it will not get better."""

Progress = Callable[[str], None]


def up(folder: Folder, progress: Progress = lambda line: None) -> dict[str, Any]:
    """Bring everything up and return env.json once all of it is healthy. Safe to repeat: it repairs and updates.

    Raises `EngineFailed` with the last words of whatever failed; nothing is left running then.
    """
    if not engine.is_there():
        raise EngineFailed("no container engine answers (`docker info` tells why)")
    images.ensure(progress)
    began = time.monotonic()
    images.build_ours()
    progress(f"{images.OUR_IMAGE}: built in {time.monotonic() - began:.1f} s")
    project = Project(folder)
    running = bool(project.containers())
    if not folder.secrets.exists() and (running or project.volumes()):
        project.down()  # its passwords are lost: nobody could ever log in there again
        running = False
    folder.create()
    published = state.choose_ports(folder, keep=running)
    state.write_published(folder, published)
    try:
        project.up(published)
        _wait_healthy(project, progress)
        env = _env(folder, project, published)
    except (EngineFailed, demo.DemoFailed) as error:
        project.save_logs()
        if not running:
            project.down()
        raise EngineFailed(f"{error}\nall logs: {folder.logs}") from None
    state.write_env(folder, env)
    return env


def down(folder: Folder) -> list[str]:
    """Remove every container, network and volume of the environment; what was removed, by name.

    The logs are kept in the folder. Raises `EngineFailed` if something is left.
    """
    project = Project(folder)
    with contextlib.suppress(EngineFailed):
        project.save_logs()
    before = project.everything()
    project.down()
    left = project.everything()
    if left:
        raise EngineFailed(f"still there: {', '.join(left)}")
    folder.forget()
    return before


def status(folder: Folder) -> list[Container]:
    """Every container of the environment; empty if it is not up."""
    return Project(folder).containers()


def _wait_healthy(project: Project, progress: Progress) -> None:
    deadline = time.monotonic() + _HEALTHY_WITHIN_S
    seen: set[str] = set()
    while True:
        containers = project.containers()
        open_ = []
        for each in containers:
            done = each.is_well if each.runs_once else each.status == "running" and project.is_healthy(each)
            hopeless = each.status in {"exited", "dead"} or each.restarts >= _RESTARTS
            if hopeless and not done:
                raise EngineFailed(f"{each.service} ended with {each.exit_code}:\n{project.tail(each)}")
            if done and each.service not in seen:
                seen.add(each.service)
                progress(f"{each.service} {'is done' if each.runs_once else 'is healthy'}")
            if not done:
                open_.append(each)
        if containers and not open_:
            return
        if time.monotonic() > deadline:
            words = "\n".join(f"{each.service} is {each.status}:\n{project.tail(each)}" for each in open_)
            raise EngineFailed(f"not healthy within {_HEALTHY_WITHIN_S:g} s: {words}")
        time.sleep(0.2)


def _env(folder: Folder, project: Project, published: Published) -> dict[str, Any]:
    """env.json: what `payera up` writes, and under `inside` what the same things are called between the containers."""
    gateway = "http://proxy:8080"
    inside = {
        "gateway": gateway,
        "control": "http://simulators:12100",
        "simulators": {slug: f"http://simulators:{port}" for slug, port in state.inner_ports().items()},
        "postgres": "postgres:5432",
        "temporal": "temporal:7233",
        "kafka": "kafka:9092",
        # Where a merchant's endpoint on this machine listens, and the name that the dispatcher knows it by.
        "sink": {"bind": project.address_of_machine(), "host": "merchants"},
    }
    merchant, simulators = demo.seed(folder, published, gateway)
    password = folder.secret("postgres_password")
    database = f"postgresql://postgres:{password}@127.0.0.1:{published.ports['postgres']}/{state.DATABASE}"
    asyncio.run(seed_bins(database))
    return {
        "gateway": published.url("gateway"),
        "console": None,
        "control": published.url("control"),
        "merchant": merchant,
        "admin_key": folder.secret("admin_key"),
        "simulators": simulators,
        "postgres": database,
        "temporal": f"127.0.0.1:{published.ports['temporal']}",
        "kafka": f"127.0.0.1:{published.ports['kafka']}",
        "topic": "payera.payments.v1",
        "state": str(folder.path),
        "project": project.name,
        "containers": project.by_process(),
        "inside": inside,
    }
