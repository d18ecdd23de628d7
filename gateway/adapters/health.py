"""How a background process shows itself: `/healthz` and `/metrics` on its own port."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest

STARTING = "starting"
OK = "ok"


class Health:
    """The states of one process's parts (a connection, a loop), as the process learns them.

    The process is healthy when every part is. A part that lost its peer says so with the reason and recovers by
    itself: a supervisor reads `/healthz` to know what is missing, never to decide on a restart.
    """

    def __init__(self, process: str, parts: tuple[str, ...] = ()) -> None:
        self.process = process
        self._parts = dict.fromkeys(parts, STARTING)

    def starting(self, part: str) -> None:
        """Announce a part that does not work yet."""
        self._parts[part] = STARTING

    def ok(self, part: str) -> None:
        """Say that `part` works."""
        self._parts[part] = OK

    def failing(self, part: str, reason: str) -> None:
        """Say that `part` does not work now. `reason` is public: no addresses with passwords, no payment data."""
        self._parts[part] = reason

    @property
    def healthy(self) -> bool:
        """Whether every part works. A process that announced no part yet is still starting."""
        return bool(self._parts) and all(state == OK for state in self._parts.values())

    def view(self) -> dict[str, object]:
        """The body of `/healthz`: `status` is `ok` or `degraded`, `parts` says which part and why."""
        return {"status": OK if self.healthy else "degraded", "process": self.process, "parts": dict(self._parts)}


@asynccontextmanager
async def serve_health(
    health: Health, host: str, port: int, registry: CollectorRegistry = REGISTRY
) -> AsyncIterator[int]:
    """Serve `/healthz` (200 when healthy, else 503) and `/metrics` while the block runs; yields the bound port.

    `port` 0 takes a free one. Raises `OSError` when the port is taken.
    """

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response(health.view(), status=200 if health.healthy else 503)

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get("/metrics", metrics)])
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()
