"""Serving: every simulator at the root of its own port in one process, and the control plane beside them."""

import asyncio
import contextlib
import importlib
import pkgutil
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import uvicorn

import simulators
from simulators.kit.accounts import Account, World
from simulators.kit.control import control_app
from simulators.kit.door import Door, bound
from simulators.kit.spec import SimulatorSpec
from simulators.kit.transport import Connection
from simulators.kit.webhooks import Sender

CONTROL_PORT, FIRST_PORT = 12100, 12111
STOP_WITHIN_S = 1
KEEP_ALIVE_S = 600
"""Longer than any client pools a connection: who closes first must be the client, or its next request is lost."""


def discover() -> dict[str, SimulatorSpec]:
    """Every folder of `simulators` that declares a SIMULATOR, by slug. A new provider needs no line anywhere else."""
    found: dict[str, SimulatorSpec] = {}
    for module in pkgutil.iter_modules(simulators.__path__):
        if module.ispkg and module.name != "kit":
            spec = getattr(importlib.import_module(f"simulators.{module.name}"), "SIMULATOR", None)
            if isinstance(spec, SimulatorSpec):
                if spec.slug != module.name:
                    raise ValueError(f"simulators/{module.name} declares the slug {spec.slug!r}: they must be the same")
                found[spec.slug] = spec
    return dict(sorted(found.items()))


def default_ports(specs: Mapping[str, SimulatorSpec], base: int = FIRST_PORT) -> dict[str, int]:
    """The preferred port of each simulator: its own (moved with `base`) if it declares one, else the next free one.

    `base` 0: any free port for all.
    """
    if base == 0:
        return dict.fromkeys(specs, 0)
    fixed = {s.slug: s.default_port - FIRST_PORT + base for s in specs.values() if s.default_port is not None}
    if len(set(fixed.values())) < len(fixed):
        raise ValueError(f"two simulators declare the same default_port: {fixed}")
    free = (port for port in range(base + 1, 65_536) if port not in fixed.values())
    return {slug: fixed[slug] if slug in fixed else next(free) for slug in sorted(specs)}


class _Server(uvicorn.Server):
    """A server among others: signals belong to the process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Simulators:
    """All simulators of a process. `start`, then `url`s are known; `stop` ends every connection, timer and queue."""

    def __init__(
        self,
        specs: Mapping[str, SimulatorSpec] | None = None,
        *,
        host: str = "127.0.0.1",
        public_host: str | None = None,
        state: Path | None = None,
    ) -> None:
        self.host = host
        self.public_host = public_host or host
        self._sender = Sender()
        chosen = discover() if specs is None else specs
        self.worlds = {slug: World(spec, state, self._sender) for slug, spec in chosen.items()}
        self._servers: dict[str, tuple[_Server, asyncio.Task[None]]] = {}
        self.control_url = ""

    async def start(
        self, control_port: int = 0, ports: Mapping[str, int] | None = None, *, exact: bool = False
    ) -> None:
        """Listen. A taken port is replaced by a free one, unless `exact` (then OSError). Port 0: any.

        After a restart, doors get their old ports again if those are free.
        """
        for slug, world in self.worlds.items():
            app: Any = world.spec.build(world)
            world.url = await self._serve(slug, app, (ports or {}).get(slug, 0), exact)
            for account in world.accounts.values():
                if account.door_port is not None:
                    self.give_door(account)
            world.begin_serving()
        self.control_url = await self._serve("control plane", control_app(self), control_port, exact)

    async def _serve(self, name: str, app: Any, port: int, exact: bool) -> str:
        listener = _listener(self.host, port, exact)
        config = uvicorn.Config(
            app,
            http=Connection,
            ws="none",
            lifespan="off",
            log_level="warning",
            access_log=False,
            server_header=False,
            backlog=1024,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=STOP_WITHIN_S,
        )
        server = _Server(config)
        task = asyncio.create_task(server.serve(sockets=[listener]), name=name)
        self._servers[name] = (server, task)
        while not server.started:
            if task.done():
                task.result()
                raise RuntimeError(f"{name} ended before it served")
            await asyncio.sleep(0.005)
        return f"http://{self.public_host}:{listener.getsockname()[1]}"

    def give_door(self, account: Account) -> None:
        """A port of its own for an account, open unless one of its faults keeps it shut."""
        server = self._servers[account.world.slug][0]

        def connection() -> Connection:
            return Connection(config=server.config, server_state=server.server_state, app_state={})

        account.door = Door(self.host, connection, account.door_port or 0, public_host=self.public_host)
        if account.door.port != account.door_port:
            account.door_port = account.door.port
            account.world.write({"account": account.id, "door": account.door_port})
        account.mind_door()

    async def stop(self) -> None:
        """End everything: hanging requests are cut, requests being answered get a second to finish."""
        for world in self.worlds.values():
            world.close_doors()
            world.stopping.set()
        for server, _ in self._servers.values():
            server.should_exit = True
            for connection in list(server.server_state.connections):
                connection.shutdown()  # uvicorn does it too, but then waits a tenth of a second for what closes at once
        await asyncio.gather(*(task for _, task in self._servers.values()))
        for world in self.worlds.values():
            world.close()
        await self._sender.close()


def _listener(host: str, port: int, exact: bool) -> socket.socket:
    try:
        return bound(host, port)
    except OSError:
        if exact or port == 0:
            raise
        return bound(host, 0)
