"""The api process: `python -m gateway.main`."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack

import structlog
import uvicorn
import uvloop

from gateway.adapters import temporal
from gateway.adapters.clock import SystemClock
from gateway.adapters.collecting import Collecting
from gateway.adapters.egress import EgressPolicy
from gateway.adapters.failpoints import failpoints_of
from gateway.adapters.keys import load_keys
from gateway.adapters.postgres import Database
from gateway.adapters.vault import EnvelopeVault
from gateway.api.app import build_app
from gateway.api.auth import Authentication
from gateway.api.common import Door, Fingerprints
from gateway.api.edge import App, Edge
from gateway.api.throttle import Rates, Throttle
from gateway.connectors.http import HttpClient
from gateway.connectors.registry import discover
from gateway.domain.errors import StoreUnavailable, VaultFailed
from gateway.metrics import MeasuredStore, announce
from gateway.observability import MeasuredConnectors, configure_logging
from gateway.settings import Settings, SettingsInvalid, read_settings
from gateway.use_cases.ports import Ports

_log = structlog.get_logger("payera.api")


async def build(settings: Settings, stack: AsyncExitStack) -> App:
    """Open everything and put it together; `stack` closes it in the reverse order.

    Raises `SettingsInvalid`, `VaultFailed`, `StoreUnavailable`.
    """
    settings.require("database", "temporal", "keys")
    if settings.database is None or settings.temporal is None or settings.keys is None:
        raise AssertionError("required above")
    test = settings.profile == "test"
    keys = load_keys(settings.keys)
    failpoints = failpoints_of(settings.failpoints, "api")
    database = await stack.enter_async_context(Database(app=settings.database, connections_max=settings.pool_size))
    operator = database
    if settings.system_database is not None:
        # Only the operator's requests may use functions across merchants, so nothing else gets this one.
        operator = await stack.enter_async_context(Database(system=settings.system_database, connections_max=2))
    egress = EgressPolicy(test=test, allow_hosts=settings.egress_allow)
    reached = failpoints.reach if settings.failpoints else None
    http = await stack.enter_async_context(HttpClient(egress.check_url, resolver=egress.resolver(), reached=reached))
    client = await temporal.connect(settings.temporal, settings.temporal_namespace, keys.codec)
    ports = Ports(
        store=MeasuredStore(database),
        vault=EnvelopeVault(keys, database, test_only=test),
        connectors=MeasuredConnectors(discover(http)),
        workflows=temporal.TemporalWorkflows(client, settings.task_queue, failpoints),
        clock=SystemClock(),
        timing=settings.timing,
        failpoints=failpoints,
    )
    environment = "test" if test else "live"
    door = Door(ports, operator, egress, keys, Fingerprints(keys), environment)
    app = build_app()
    app.state.door = door
    rates = Rates(settings.rate_per_s, settings.token_rate_per_s, settings.failed_auth_per_s)
    authentication = Authentication(
        database, keys, environment=environment, admin_key=settings.admin_key, throttle=Throttle(rates)
    )
    return Edge(app, authentication)


class _Server(uvicorn.Server):
    """Ends with exit code 0 after an ordered stop; uvicorn's own way is to die of the signal in the end."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        signals = (signal.SIGTERM, signal.SIGINT)
        for number in signals:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in signals:
                loop.remove_signal_handler(number)


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; requests under way are answered first."""
    async with AsyncExitStack() as stack:
        app = await build(settings, stack)
        config = uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            http="httptools",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            # As long as a request may take: the PSP's answer must still be written down.
            timeout_graceful_shutdown=int(settings.lease_s + settings.answer_budget_s),
        )
        await _Server(config).serve()


def main() -> int:
    """Exit code 0 after an ordered stop, 2 for settings that are missing or wrong, 1 for what cannot be reached."""
    configure_logging("api")
    announce("api")
    try:
        settings = read_settings().require("database", "temporal", "keys")
        with Collecting("api", settings.otlp), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(settings))
    except SettingsInvalid as wrong:
        _log.error("settings: " + str(wrong))
        return 2
    except (StoreUnavailable, VaultFailed) as away:
        _log.error(str(away))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
