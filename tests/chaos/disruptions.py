"""What is broken, one thing at a time: killed with SIGKILL, left dead for a while, started again."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from scenarios.runner.supervisor import Containers, Supervisor, SupervisorError

DOWN_S = {"api": 3.0, "worker": 10.0, "relay": 10.0, "dispatcher": 10.0, "reporting": 10.0, "kafka": 60.0}
"""How long each stays dead unless told."""


@dataclass(slots=True)
class Disruption:
    """One kill. Times are `time.monotonic` seconds; `healthy` is when the process was well again."""

    process: str
    down_s: float
    killed: float = 0.0
    healthy: float = 0.0
    caught_up: float | None = None
    """When nothing waited any more: no event unsent, no order, no open operation older than the kill's end."""
    backlog: int = 0
    """The most events that ever waited for the broker meanwhile."""


def parse(word: str) -> Disruption:
    """`relay` or `kafka=60`. Raises `ValueError` for what nobody can kill."""
    name, _, seconds = word.partition("=")
    if name not in DOWN_S:
        raise ValueError(f"{name!r} cannot be killed; there are {', '.join(DOWN_S)}")
    return Disruption(name, float(seconds) if seconds else DOWN_S[name])


def one_api(supervisor: Supervisor) -> Supervisor:
    """Where several containers are the api, only the first of them is meant: one is killed, the others go on."""
    if isinstance(supervisor, Containers) and len(supervisor.names.get("api", ())) > 1:
        return Containers({**supervisor.names, "api": list(supervisor.names["api"])[:1]})
    return supervisor


@dataclass(slots=True)
class Monkey:
    """Goes through the disruptions, `pause_s` apart, and tells what it does."""

    supervisor: Supervisor
    disruptions: Sequence[Disruption]
    pause_s: float
    say: Callable[[str], None] = lambda line: None
    current: Disruption | None = field(default=None)

    async def run(self) -> None:
        """All of them. Raises `SupervisorError` where one cannot be killed or does not come back."""
        for each in self.disruptions:
            await asyncio.sleep(self.pause_s)
            each.killed = time.monotonic()
            self.current = each
            await self.supervisor.kill(each.process)
            self.say(f"{each.process} killed, for {each.down_s:g} s")
            await asyncio.sleep(each.down_s)
            await self._restart(each.process)
            each.healthy = time.monotonic()
            self.say(f"{each.process} is healthy again, {each.healthy - each.killed:.1f} s after its death")
        await asyncio.sleep(self.pause_s)

    async def _restart(self, process: str) -> None:
        """Start it again; once more where a busy machine was too slow for the first order's own deadline."""
        try:
            await self.supervisor.restart(process)
        except SupervisorError as error:
            self.say(f"{process} is slow to come back, ordered once more ({error})")
            await self.supervisor.restart(process)
