"""The dispatcher: Kafka → delivery rows → merchants' webhook endpoints. `python -m gateway.dispatcher`.

Rows first, offsets after: from then on a delivery lives in the database and survives everything. Retries and replays
run from rows, so the two parts (plan, deliver) never wait for one another.
"""

import asyncio
import os
import socket

import orjson
import structlog
from prometheus_client import Counter, Gauge

from gateway import tracing
from gateway.adapters.background import patiently, run_parts, run_process
from gateway.adapters.clock import SystemClock
from gateway.adapters.deliveries import Deliveries
from gateway.adapters.egress import EgressPolicy
from gateway.adapters.event_feed import EventFeed
from gateway.adapters.health import Health
from gateway.adapters.keys import load_keys
from gateway.adapters.postgres import Database
from gateway.adapters.vault import EnvelopeVault
from gateway.adapters.webhook_sender import HttpWebhookSender
from gateway.metrics import MeasuredStore
from gateway.observability import payment_id, trace_id
from gateway.settings import Settings
from gateway.use_cases.deliver_webhook import Schedule, deliver_webhook
from gateway.use_cases.ports import Json

_log = structlog.get_logger("payera.dispatcher")

PLANNED = Counter("payera_webhooks_planned_total", "Deliveries written")
TRIED = Counter("payera_webhook_tries_total", "POSTs to merchants' endpoints", ["result"])
IN_FLIGHT = Gauge("payera_webhooks_in_flight", "Deliveries taken and not finished")

GROUP = "payera-dispatcher"


async def main(settings: Settings, health: Health, stop: asyncio.Event) -> None:
    """Wire the dispatcher and run it until `stop`."""
    assert settings.database is not None
    assert settings.kafka is not None
    assert settings.keys is not None
    keys = load_keys(settings.keys)
    test = settings.profile == "test"
    schedule = Schedule(settings.webhook_schedule_s, jitter=0.0 if test else 0.1)
    clock = SystemClock()
    database = Database(app=settings.database, system=settings.system_database)
    store = MeasuredStore(database)
    if await patiently(health, "database", database.open, stop) is None:
        return
    vault = EnvelopeVault(keys, database, test_only=test)

    async def plan(events: list[Json]) -> None:
        p = {"events": [{"id": event["id"]} for event in events], "at": clock.now().isoformat()}
        answer = await store.system("delivery_plan_v1", p)
        PLANNED.inc(answer["planned"])
        if answer["planned"]:
            deliveries.due.set()

    async def deliver(row: Json) -> Json:
        trace_id.set(tracing.trace_of(row["traceparent"] or ""))
        payment_id.set(row["payload"]["subject"])
        with tracing.span("deliver webhook", tracing.SpanKind.CLIENT, parent="", links=[row["traceparent"]]) as span:
            result = await deliver_webhook(vault, sender, orjson.dumps, clock, schedule, row)
            verdict = "delivered" if result["ok"] else "dead" if result["dead"] else "retry"
            span.set(delivery_id=row["id"], event_id=row["event_id"], event_type=row["payload"]["type"])
            span.set(payment_id=row["payload"]["subject"], result=verdict)
            span.say({"http.request.method": "POST", "http.request.resend_count": row["attempts"]})
            if "status_code" in result:
                span.say({"http.response.status_code": result["status_code"]})
            if not result["ok"]:
                span.fail(str(result.get("status_code", "no_answer")))
        TRIED.labels(verdict).inc()
        if result["dead"]:
            _log.warning("delivery_dead", delivery=row["id"], endpoint=row["endpoint_id"], reason=result["error"])
        return result

    name = f"dispatcher-{socket.gethostname()}-{os.getpid()}"
    feed = EventFeed(settings.kafka, settings.topic, GROUP, health)
    try:
        async with HttpWebhookSender(EgressPolicy(test=test, allow_hosts=settings.egress_allow)) as sender:
            deliveries = Deliveries(store, deliver, health, name)
            IN_FLIGHT.set_function(lambda: deliveries.in_flight)
            await run_parts(health, {"kafka": lambda: feed.follow(plan), "deliveries": deliveries.run}, stop)
    finally:
        await database.close()


if __name__ == "__main__":
    run_process("dispatcher", ("database", "system_database", "kafka", "keys"), main)
