"""Reporting: follows the event stream into the archive and the daily totals. `python -m gateway.reporting`.

A second consumer beside the dispatcher, with a place of its own in the stream: neither waits for the other.
"""

import asyncio

import structlog
from prometheus_client import Counter, Gauge

from gateway.adapters.background import patiently, run_parts, run_process
from gateway.adapters.event_feed import EventFeed
from gateway.adapters.health import Health
from gateway.adapters.postgres import Database
from gateway.settings import Settings
from gateway.use_cases.ports import Json

_log = structlog.get_logger("payera.reporting")

ARCHIVED = Counter("payera_reporting_archived_total", "Events archived, each once")
REPEATED = Counter("payera_reporting_repeated_total", "Events that were in the archive already")
LATEST = Gauge("payera_reporting_batch_events", "Size of the latest batch")

GROUP = "payera-reporting"


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
    try:
        await run_parts(health, {"kafka": lambda: feed.follow(archive)}, stop)
    finally:
        await database.close()


if __name__ == "__main__":
    run_process("reporting", ("system_database", "kafka"), main)
