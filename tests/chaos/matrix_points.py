"""The harness's end of `PAYERA_FAILPOINTS=ask:SOCKET`: every process tells where it is, and stands still if it must."""

import asyncio
import contextlib
import json
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Step:
    """A point in a process: `api send.after`."""

    process: str
    point: str

    def __str__(self) -> str:
        return f"{self.process} {self.point}"


@dataclass(slots=True)
class Trap:
    """Where one merchant's payment is to be held: at the `occurrence`-th time (1, 2, …) that it comes to `step`."""

    step: Step
    occurrence: int = 1
    left: int = field(init=False)
    sprung: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.left = self.occurrence


class Points:
    """Who is where. One merchant has one payment, so its id says which."""

    def __init__(self) -> None:
        self.seen: dict[str, list[Step]] = defaultdict(list)
        """The steps of each merchant since `forget`, in order."""
        self._traps: dict[str, Trap] = {}

    def forget(self, merchant: str) -> None:
        """What this merchant has done until now does not count."""
        self.seen.pop(merchant, None)

    def lay(self, merchant: str, trap: Trap) -> None:
        """Hold this merchant's payment when it gets there."""
        self._traps[merchant] = trap

    def lift(self, merchant: str) -> None:
        """Let go, and hold no more."""
        trap = self._traps.pop(merchant, None)
        if trap is not None:
            trap.released.set()

    @contextlib.asynccontextmanager
    async def listening(self, path: Path) -> AsyncIterator[None]:
        """Answer on the socket `path` for the length of the block."""
        server = await asyncio.start_unix_server(self._serve, path)
        try:
            yield
        finally:
            for merchant in list(self._traps):
                self.lift(merchant)
            server.close()
            await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = await reader.readline()
            if line:
                told = json.loads(line)
                await self._reached(told["merchant"], Step(told["process"], told["point"]))
                writer.write(b"go\n")
                await writer.drain()
        except OSError:
            pass  # whoever asked was killed meanwhile
        finally:
            writer.close()

    async def _reached(self, merchant: str, step: Step) -> None:
        self.seen[merchant].append(step)
        trap = self._traps.get(merchant)
        if trap is None or trap.step != step or trap.sprung.is_set():
            return
        trap.left -= 1
        if trap.left == 0:
            trap.sprung.set()
            await trap.released.wait()
