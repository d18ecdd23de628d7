"""One compose project: its containers, networks and volumes, found by the labels that compose puts on them."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from compose.containers import engine
from compose.containers.engine import EngineFailed, docker
from compose.containers.state import COMPOSE, Folder, Published, variables

_PROJECT, _SERVICE = "com.docker.compose.project", "com.docker.compose.service"
_STOP_S = "20"
_TAIL = "25"
ONCE = frozenset({"migrate", "topics"})
"""Services that run to their end and must have ended well."""


@dataclass(frozen=True, slots=True)
class Container:
    """What the engine says of one container. `status` is its word: created, running, exited, …"""

    id: str
    name: str
    service: str
    status: str
    exit_code: int
    restarts: int
    since: str
    health: str | None
    """The engine's word (starting, healthy, unhealthy), asked every few seconds; None where nothing is asked."""
    health_command: tuple[str, ...] = field(repr=False)

    @property
    def runs_once(self) -> bool:
        """Whether it runs to its end, before those that need it start."""
        return self.service in ONCE

    @property
    def is_well(self) -> bool:
        """Running and not unhealthy; ended well, if it runs once."""
        if self.runs_once:
            return self.status == "exited" and self.exit_code == 0
        return self.status == "running" and self.health in {None, "healthy"}

    @property
    def shown(self) -> str:
        """Its state for people."""
        if self.status == "running":
            return self.health or self.status
        return f"{self.status} with {self.exit_code}" if self.status == "exited" else self.status


class Project:
    """Everything of one environment at the engine."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.name = folder.project

    def up(self, published: Published) -> None:
        """Create and start what is not running as the files say. Raises `EngineFailed`."""
        self._compose(variables(self.folder, published), "up", "--detach", "--no-build", "--remove-orphans")

    def down(self) -> None:
        """Stop and remove containers, networks and volumes, whether or not the environment's files are still there."""
        containers = self._ids("container", "--all")
        mounted = self._mounted()
        if containers:
            docker("stop", "--time", _STOP_S, *containers, timeout_s=120)
            docker("rm", "--force", "--volumes", *containers)
        networks = self._ids("network")
        if networks:
            docker("network", "rm", *networks)
        there = set(docker("volume", "ls", "--quiet").split())
        volumes = sorted(there & {*self.volumes(), *mounted})
        if volumes:
            docker("volume", "rm", *volumes)

    def _compose(self, values: dict[str, str], *words: str) -> str:
        files = ("--file", str(COMPOSE), "--file", str(self.folder.published))
        command = (*engine.compose_command(), "--project-name", self.name, *files, "--profile", "core", *words)
        return engine.run(command, env=values, cwd=COMPOSE.parent)

    def _ids(self, kind: str, *words: str) -> list[str]:
        told = docker(kind, "ls", *words, "--quiet", "--filter", f"label={_PROJECT}={self.name}")
        return told.split()

    def _mounted(self) -> set[str]:
        """Names of the volumes that the containers use: nameless ones of an image bear no label."""
        mounts = [mount for row in engine.inspect(*self._ids("container", "--all")) for mount in row["Mounts"]]
        return {mount["Name"] for mount in mounts if mount["Type"] == "volume"}

    def volumes(self) -> list[str]:
        """Names of the volumes."""
        return self._ids("volume")

    def everything(self) -> list[str]:
        """Names of all that is left of it: containers, networks, volumes."""
        filters = ("--filter", f"label={_PROJECT}={self.name}")
        found = docker("container", "ls", "--all", *filters, "--format", "container {{.Names}}").splitlines()
        found += docker("network", "ls", *filters, "--format", "network {{.Name}}").splitlines()
        volumes = {*self.volumes(), *self._mounted()}
        return found + [f"volume {name}" for name in sorted(volumes)]

    def containers(self) -> list[Container]:
        """Every container, by service."""
        rows = engine.inspect(*self._ids("container", "--all"))
        return sorted(map(_container, rows), key=lambda each: each.service)

    def by_process(self) -> dict[str, list[str]]:
        """Names of containers by the process that the scenarios know: `api` is both, `api-1` is one of them."""
        found: dict[str, list[str]] = defaultdict(list)
        for each in self.containers():
            found[each.service].append(each.name)
            process, dash, number = each.service.rpartition("-")
            if dash and number.isdecimal():
                found[process].append(each.name)
        return dict(found)

    def is_healthy(self, container: Container) -> bool:
        """Ask the container itself, at once: the engine asks only every few seconds."""
        if not container.health_command:
            return True
        try:
            docker("exec", container.id, *container.health_command, timeout_s=10)
        except EngineFailed:
            return False
        return True

    def tail(self, container: Container) -> str:
        """The last lines that a container wrote."""
        return docker("logs", "--tail", _TAIL, container.id)

    def save_logs(self) -> None:
        """Write what every container has said into the environment's folder."""
        self.folder.logs.mkdir(parents=True, exist_ok=True)
        for each in self.containers():
            (self.folder.logs / f"{each.service}.log").write_text(docker("logs", each.id), encoding="utf-8")

    def address_of_machine(self) -> str:
        """The machine's address as the dispatcher resolves `merchants`: an address of the bridge, not a public one."""
        (dispatcher,) = [each for each in self.containers() if each.service == "dispatcher"]
        return docker("exec", dispatcher.id, "getent", "hosts", "merchants").split()[0]


def _container(row: dict[str, Any]) -> Container:
    check = row["Config"].get("Healthcheck") or {}
    command = tuple(check.get("Test") or ())
    if command[:1] == ("CMD-SHELL",):
        command = ("/bin/sh", "-c", *command[1:])
    elif command[:1] == ("CMD",):
        command = command[1:]
    else:  # NONE
        command = ()
    return Container(
        id=row["Id"],
        name=row["Name"].lstrip("/"),
        service=row["Config"]["Labels"][_SERVICE],
        status=row["State"]["Status"],
        exit_code=row["State"]["ExitCode"],
        restarts=row["RestartCount"],
        since=row["State"]["StartedAt"],
        health=(row["State"].get("Health") or {}).get("Status"),
        health_command=command,
    )
