"""Reporting: follows the event stream into the archive and the daily totals, and matches the settlement files that
merchants hand in. `python -m gateway.reporting`.

A second consumer beside the dispatcher, with a place of its own in the stream: neither waits for the other, and the
files wait for no stream.
"""

import asyncio

import structlog
from prometheus_client import Counter, Gauge

from gateway.adapters.background import PeerAway, patiently, pause, run_parts, run_process
from gateway.adapters.clock import SystemClock
from gateway.adapters.event_feed import EventFeed
from gateway.adapters.health import Health
from gateway.adapters.postgres import Database
from gateway.connectors.registry import settlement_parsers
from gateway.settings import Settings
from gateway.use_cases.ports import Json
from gateway.use_cases.reconcile_settlement import reconcile_settlement

_log = structlog.get_logger("payera.reporting")

ARCHIVED = Counter("payera_reporting_archived_total", "Events archived, each once")
REPEATED = Counter("payera_reporting_repeated_total", "Events that were in the archive already")
LATEST = Gauge("payera_reporting_batch_events", "Size of the latest batch")

RECONCILED = Counter("payera_settlements_reconciled_total", "Settlement files matched with the ledger")
UNREADABLE = Counter("payera_settlements_unreadable_total", "Settlement files that are none of their provider")
DISCREPANCIES = Counter(
    "payera_settlement_discrepancies_total", "What settlement files and the ledger do not agree about"
)

GROUP = "payera-reporting"
POLL_S = 5.0
"""The backstop: a notification tells of a file long before."""
FILE_TIMEOUT_S = 120.0
"""The longest that the matching of one file may take in the database."""


async def main(settings: Settings, health: Health, stop: asyncio.Event) -> None:
    """Wire reporting and run it until `stop`."""
    assert settings.system_database is not None
    assert settings.kafka is not None
    database = Database(system=settings.system_database)
    if await patiently(health, "database", database.open, stop) is None:
        return

    async def archive(events: list[Json]) -> None:
        answer = await database.system("report_events_v1", {"events": events})
        ARCHIVED.inc(answer["archived"])
        REPEATED.inc(len(events) - answer["archived"])
        LATEST.set(len(events))

    feed = EventFeed(settings.kafka, settings.topic, GROUP, health)
    files = Database(system=settings.system_database, connections_max=1, timeout_s=FILE_TIMEOUT_S)
    waiting = asyncio.Event()

    async def reconcile() -> None:
        parsers, clock = settlement_parsers(), SystemClock()
        await files.open()
        try:
            while True:
                done = await reconcile_settlement(files, parsers, clock)
                health.ok("settlements")
                if done is None:
                    await pause(waiting, POLL_S)
                elif done.error is not None:
                    UNREADABLE.inc()
                    _log.warning("settlement_unreadable", settlement=done.settlement_id, reason=done.error)
                else:
                    RECONCILED.inc()
                    DISCREPANCIES.inc(done.discrepancies)
                    _log.info("settlement_reconciled", settlement=done.settlement_id, found=done.discrepancies)
        finally:
            await files.close()

    async def listen() -> None:
        async with database.listen({"payera_settlement": waiting.set}) as lost:
            health.ok("notifications")
            waiting.set()  # what was handed in before we listened was not announced to us
            await lost.wait()
        raise PeerAway("postgresql: the connection that listens is gone")

    parts = {"kafka": lambda: feed.follow(archive), "settlements": reconcile, "notifications": listen}
    try:
        await run_parts(health, parts, stop)
    finally:
        await database.close()


if __name__ == "__main__":
    run_process("reporting", ("system_database", "kafka"), main)
