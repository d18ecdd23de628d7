"""The frame of a process that serves nobody: loops that outlive outages, one clean way to stop.

relay, dispatcher and reporting (and every process like them) are a handful of endless parts. A part that loses
PostgreSQL, Kafka or Temporal is started again after a bounded wait, without disturbing the other parts; a mistake of
our own ends the process with a traceback, because a crash must be seen.
"""

import asyncio
import contextlib
import random
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

import structlog
import uvloop

from gateway.adapters.collecting import Collecting
from gateway.adapters.health import Health, serve_health
from gateway.domain.errors import StoreUnavailable, VaultFailed
from gateway.metrics import announce
from gateway.observability import configure_logging
from gateway.settings import Settings, SettingsInvalid, read_settings

_log = structlog.get_logger("payera.background")

T = TypeVar("T")

_FIRST_WAIT_S = 0.1
_LONGEST_WAIT_S = 5.0


class PeerAway(Exception):
    """Another process (Kafka, Temporal) cannot be reached now. The message is fit for `/healthz`."""


OUTAGES = (PeerAway, StoreUnavailable, OSError, TimeoutError)
"""What a part survives by starting again. Everything else is a mistake of our own."""

Part = Callable[[], Awaitable[None]]
"""An endless part. It calls `Health.ok` once it works; it raises one of `OUTAGES` when it can't go on."""


async def run_parts(health: Health, parts: Mapping[str, Part], stop: asyncio.Event) -> None:
    """Run all parts until `stop` is set, each restarted after an outage. Raises what is no outage, all parts ended."""
    for name in parts:
        health.starting(name)
    tasks = [asyncio.create_task(_keep_running(health, name, part), name=name) for name, part in parts.items()]
    waiter = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([*tasks, waiter], return_when=asyncio.FIRST_COMPLETED)
        broken = [error for task in tasks if task.done() and (error := task.exception())]
    finally:
        for task in (*tasks, waiter):
            task.cancel()
        await asyncio.gather(*tasks, waiter, return_exceptions=True)
    if broken:
        raise broken[0]


async def _keep_running(health: Health, name: str, part: Part) -> None:
    wait_s = _FIRST_WAIT_S
    loop = asyncio.get_running_loop()
    while True:
        started = loop.time()
        try:
            await part()
        except OUTAGES as error:
            reason = str(error) or type(error).__name__
            health.failing(name, reason)
            if loop.time() - started > _LONGEST_WAIT_S:
                wait_s = _FIRST_WAIT_S
            _log.warning("part_interrupted", part=name, reason=reason, again_in_s=round(wait_s, 2))
        # Spread out: after an outage of the database not everybody should come back in the same millisecond.
        await asyncio.sleep(wait_s * random.uniform(0.5, 1.0))  # noqa: S311 - not a secret
        wait_s = min(wait_s * 2, _LONGEST_WAIT_S)


async def patiently(health: Health, name: str, open_: Callable[[], Awaitable[T]], stop: asyncio.Event) -> T | None:
    """Open what the whole process needs, waiting for it as long as it takes; None when `stop` came first."""
    wait_s = _FIRST_WAIT_S
    health.starting(name)
    while not stop.is_set():
        try:
            opened = await open_()
        except OUTAGES as error:
            health.failing(name, str(error) or type(error).__name__)
            _log.warning("not_there_yet", part=name, reason=str(error), again_in_s=round(wait_s, 2))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await stop.wait()
            wait_s = min(wait_s * 2, _LONGEST_WAIT_S)
        else:
            health.ok(name)
            return opened
    return None


async def pause(wake: asyncio.Event, seconds: float) -> None:
    """Wait until somebody sets `wake`, at most `seconds`; clears it."""
    try:
        async with asyncio.timeout(seconds):
            await wake.wait()
    except TimeoutError:
        return
    finally:
        wake.clear()


def run_process(
    name: str, required: tuple[str, ...], main: Callable[[Settings, Health, asyncio.Event], Awaitable[None]]
) -> None:
    """Read the settings, log, serve `/healthz` and `/metrics`, run `main` until SIGTERM or SIGINT, then exit with 0.

    Exits with 2 and a sentence when `required` settings are missing or wrong or the keys can't be used; with 1 after a
    mistake of our own.
    """
    try:
        settings = read_settings().require(*required)
    except SettingsInvalid as error:
        print(f"{name}: {error}", file=sys.stderr)  # noqa: T201 - before logging, for the person who started it
        raise SystemExit(2) from None
    configure_logging(name)
    announce(name)

    async def body() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        health = Health(name)
        try:
            async with serve_health(health, settings.host, settings.port) as port:
                _log.info("started", port=port)
                await main(settings, health, stop)
        except VaultFailed as error:
            _log.critical("keys_unusable", reason=error.detail)
            raise SystemExit(2) from None
        except Exception:  # the last frame of the process: whatever it was goes to the log, masked, and ends it
            _log.exception("crashed")
            raise SystemExit(1) from None
        _log.info("stopped")

    with Collecting(name, settings.otlp), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(body())
