"""Who breaks and mends the environment's processes as a scenario's step: its supervisor, or the container engine."""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

TIMEOUT_S = 30.0
"""A restart waits until the process is healthy again."""
RESTART_WITHIN_S = 120.0
"""A container's broker that was killed under load recovers its logs first, with one core at most."""
_ASK_EVERY_S = 0.5
"""Each question is a process in the container: asked more often, it takes the core that the recovery needs."""


class SupervisorError(Exception):
    """The supervisor (or the engine) is not there, or refused."""


class Supervisor(Protocol):
    """Breaks and mends a process by its name (`api`, `worker`, `relay`, `dispatcher`, …)."""

    async def kill(self, process: str, signal: int = 9) -> None:
        """Send a signal and return once the process has ended. Raises `SupervisorError`."""
        ...

    async def restart(self, process: str) -> None:
        """Start it, stopping it first if it runs, and return once it is healthy. Raises `SupervisorError`."""
        ...


@dataclass(frozen=True, slots=True)
class Socket:
    """The embedded environment's supervisor, over its Unix socket."""

    path: Path

    async def kill(self, process: str, signal: int = 9) -> None:
        """Send a signal and return once the process has ended. Raises `SupervisorError`."""
        await self._order(do="kill", name=process, signal=signal)

    async def restart(self, process: str) -> None:
        """Start it, stopping it first if it runs, and return once it is healthy. Raises `SupervisorError`."""
        await self._order(do="restart", name=process)

    async def _order(self, **order: Any) -> None:
        try:
            async with asyncio.timeout(TIMEOUT_S):
                reader, writer = await asyncio.open_unix_connection(str(self.path))
                try:
                    writer.write(json.dumps(order).encode() + b"\n")
                    await writer.drain()
                    line = await reader.readline()
                finally:
                    writer.close()
                    await writer.wait_closed()
        except (OSError, TimeoutError) as error:
            raise SupervisorError(f"the supervisor at {self.path} does not answer {order}: {error!r}") from error
        answer = json.loads(line) if line.strip() else {}
        if not isinstance(answer, dict) or answer.get("error") or answer.get("ok") is False:
            raise SupervisorError(f"the supervisor refused {order}: {answer}")


@dataclass(frozen=True, slots=True)
class Containers:
    """The container engine's command line. A process may be several containers (`api`): all of them are meant.

    The engine does not start again what was killed through it, whatever its restart policy.
    """

    names: Mapping[str, Sequence[str]]

    async def kill(self, process: str, signal: int = 9) -> None:
        """Send a signal and return once the process has ended. Raises `SupervisorError`."""
        containers = self._of(process)
        await _docker("kill", f"--signal={signal}", *containers)
        await _docker("wait", *containers)

    async def restart(self, process: str) -> None:
        """Start it, stopping it first if it runs, and return once it is healthy. Raises `SupervisorError`."""
        containers = self._of(process)
        await _docker("stop", *containers)
        await _docker("start", *containers)
        deadline = time.monotonic() + RESTART_WITHIN_S
        for name in containers:
            check = await _health_command(name)
            while check and not await _succeeds("exec", name, *check):
                if time.monotonic() > deadline:
                    raise SupervisorError(f"{name} is not healthy {RESTART_WITHIN_S:g} s after its restart")
                await asyncio.sleep(_ASK_EVERY_S)

    def _of(self, process: str) -> Sequence[str]:
        if process not in self.names:
            raise SupervisorError(f"no container runs {process!r}; there are: {', '.join(self.names)}")
        return self.names[process]


async def _health_command(container: str) -> list[str]:
    """What the engine runs to see the container's health: asked here at once, and not every few seconds."""
    said = await _docker("inspect", "--format", "{{json .Config.Healthcheck}}", container)
    test: list[str] = (json.loads(said) or {}).get("Test") or ["NONE"]
    return {"CMD": test[1:], "CMD-SHELL": ["/bin/sh", "-c", *test[1:]]}.get(test[0], [])


async def _docker(*words: str) -> str:
    code, said = await _run(*words)
    if code != 0:
        raise SupervisorError(f"docker {' '.join(words)}: {said.strip()}")
    return said


async def _succeeds(*words: str) -> bool:
    return (await _run(*words))[0] == 0


async def _run(*words: str) -> tuple[int | None, str]:
    try:
        process = await asyncio.create_subprocess_exec(
            "docker", *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
    except FileNotFoundError as error:
        raise SupervisorError("docker is not installed") from error
    try:
        async with asyncio.timeout(TIMEOUT_S):
            said, _ = await process.communicate()
    except TimeoutError as error:
        process.kill()
        await process.wait()
        raise SupervisorError(f"docker {' '.join(words)}: not done after {TIMEOUT_S:g} s") from error
    return process.returncode, said.decode(errors="replace")
