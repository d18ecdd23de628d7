"""The relay: outbox → Kafka, orders and crashed attempts → Temporal, card codes → nothing. `python -m gateway.relay`.

Its parts never wait for one another: Kafka may be away for a day and payments are still recovered, Temporal may be
away and events still flow.
"""

import asyncio
import os
import socket

import orjson
import structlog
from prometheus_client import Counter, Gauge

from gateway.adapters.alerts import AlertWatch
from gateway.adapters.background import PeerAway, patiently, pause, run_parts, run_process
from gateway.adapters.clock import SystemClock
from gateway.adapters.failpoints import failpoints_of
from gateway.adapters.figures import tell_figures
from gateway.adapters.health import Health
from gateway.adapters.kafka import EventPublisher
from gateway.adapters.keys import CvvKeys, load_keys
from gateway.adapters.postgres import Database
from gateway.adapters.temporal import TemporalWorkflows, connect
from gateway.metrics import MeasuredStore
from gateway.settings import Settings
from gateway.use_cases.housekeeping import Keep, tidy
from gateway.use_cases.ports import Clock, Store, Workflows
from gateway.use_cases.relay_outbox import RelayOutbox, relay_outbox
from gateway.use_cases.sweep import WakeOrders, purge_cvv, sweep, sweep_expiries, wake_orders

_log = structlog.get_logger("payera.relay")

PUBLISHED = Counter("payera_outbox_published_total", "Events acknowledged by Kafka")
UNSENT = Gauge("payera_outbox_unsent", "Events that wait for Kafka")
OLDEST = Gauge("payera_outbox_oldest_seconds", "How long the oldest unsent event has waited")
SWEPT = Counter("payera_recovery_swept_total", "Attempts whose sender died, found by the sweeper")
EXPIRED = Counter("payera_expired_authorizations_total", "Authorizations that ran out without a notice of the PSP")
WOKEN = Counter("payera_orders_woken_total", "Orders that Temporal acknowledged")
WAKE_FAILED = Counter("payera_orders_failed_total", "Orders that Temporal did not acknowledge; they are tried again")
FORGOTTEN = Counter("payera_rows_forgotten_total", "Rows that housekeeping deleted, by what they were", ["what"])
CVV_PURGED = Counter("payera_cvv_purged_total", "Card codes destroyed because their 15 minutes were over")

POLL_S = 1.0
"""The backstop: notifications wake the parts long before."""
GATHER_S = 0.15
"""The rest after a round that found something: a busy second is relayed in few batches, each one commit and one wave of
messages, and leaves the machine to the payments; after a quiet moment an event leaves at once."""
CLUSTER_CHECK_S = 10.0
LAG_EVERY_S = 2.0
FIGURES_EVERY_S = 10.0
PURGE_EVERY_S = 60.0
TIDY_EVERY_S = 60.0
TIDY_REST_S = 0.2
"""Between two batches, when there is more to forget: housekeeping never hurries."""


class Relay:
    """The endless parts. `orders` and `events` are set when the database says that there is something to do."""

    def __init__(
        self, store: Store, workflows: Workflows, cvv: CvvKeys, clock: Clock, health: Health, settings: Settings
    ) -> None:
        self._store = store
        self._workflows = workflows
        self._cvv = cvv
        self._clock = clock
        self._health = health
        self._settings = settings
        self._name = f"relay-{socket.gethostname()}-{os.getpid()}"
        # How long what a killed relay held stays held. The attempts' lease says how patient this environment is.
        self._lease_s = min(max(settings.lease_s, 3.0), 10.0)
        self.events = asyncio.Event()
        self.orders = asyncio.Event()

    async def publish(self) -> None:
        """Outbox → Kafka. A cluster that was not seen before first gets what it has not seen."""
        publisher = EventPublisher(self._settings.kafka or "", self._settings.topic, ack_timeout_s=self._lease_s / 2)
        try:
            await publisher.open()
            again = await self._store.system("outbox_republish_v1", {"cluster": publisher.cluster})
            _log.info("kafka_open", cluster=publisher.cluster, republished=again["unsent"])
            self._health.ok("kafka")
            command = RelayOutbox(self._name, lease_s=self._lease_s)
            failpoints = failpoints_of(self._settings.failpoints, "relay")
            checked_s = self._clock.monotonic_s()
            while True:
                done = await relay_outbox(self._store, publisher, orjson.dumps, self._clock, failpoints, command)
                PUBLISHED.inc(done.sent)
                if not done.complete:
                    raise PeerAway("kafka: not every event was acknowledged")
                if self._clock.monotonic_s() - checked_s > CLUSTER_CHECK_S:
                    await publisher.check()
                    checked_s = self._clock.monotonic_s()
                if done.claimed:
                    await asyncio.sleep(GATHER_S)
                if done.claimed < command.limit:
                    await pause(self.events, POLL_S)
        finally:
            await publisher.close()

    async def recover(self) -> None:
        """Crashed attempts and authorizations that ran out → orders.

        Twice per lease, so a crash costs about one lease and a half.
        """
        while True:
            swept = await sweep(self._store, self._clock)
            if swept:
                SWEPT.inc(swept)
                _log.warning("swept", attempts=swept)
            if released := await sweep_expiries(self._store, self._clock):
                EXPIRED.inc(released)
                _log.info("authorizations_ran_out", orders=released)
            self._health.ok("recovery")
            await asyncio.sleep(min(self._settings.lease_s / 2, 5.0))

    async def wake(self) -> None:
        """Orders → Temporal, until acknowledged."""
        command = WakeOrders(self._name, lease_s=self._lease_s)
        while True:
            done = await wake_orders(self._store, self._workflows, command)
            WOKEN.inc(done.woken)
            WAKE_FAILED.inc(len(done.errors))
            if done.errors:
                _log.warning("orders_not_acknowledged", orders=len(done.errors), first=done.errors[0])
            if done.claimed and not done.woken:
                raise PeerAway("temporal: no order was acknowledged")
            self._health.ok("orders")
            if done.claimed < command.limit:
                await pause(self.orders, POLL_S)

    async def purge(self) -> None:
        """Card codes past their time."""
        while True:
            CVV_PURGED.inc(await purge_cvv(self._store, self._cvv, self._clock))
            self._health.ok("cvv")
            await asyncio.sleep(PURGE_EVERY_S)

    async def tidy(self) -> None:
        """What is not needed any more is forgotten, a small batch at a time."""
        settings = self._settings
        keep = Keep(
            idempotency_s=settings.keep_idempotency_s,
            notifications_s=settings.keep_notifications_s,
            deliveries_s=settings.keep_deliveries_s,
            receipts_s=settings.keep_receipts_s,
        )
        while True:
            forgotten = await tidy(self._store, self._clock, keep)
            for what, rows in forgotten.items():
                FORGOTTEN.labels(what).inc(rows)
            self._health.ok("housekeeping")
            await asyncio.sleep(TIDY_REST_S if max(forgotten.values()) >= keep.limit else TIDY_EVERY_S)

    async def measure(self) -> None:
        """The outbox's lag and what is open, for /metrics."""
        told_s = -FIGURES_EVERY_S
        while True:
            lag = await self._store.system("outbox_lag_v1", {})
            UNSENT.set(lag["unsent"])
            OLDEST.set(lag["oldest_s"])
            if self._clock.monotonic_s() - told_s >= FIGURES_EVERY_S:
                await tell_figures(self._store, self._clock)
                told_s = self._clock.monotonic_s()
            self._health.ok("figures")
            await asyncio.sleep(LAG_EVERY_S)


async def main(settings: Settings, health: Health, stop: asyncio.Event) -> None:
    """Wire the relay and run it until `stop`."""
    assert settings.system_database is not None
    assert settings.keys is not None
    assert settings.temporal is not None
    keys = load_keys(settings.keys)
    client = await connect(settings.temporal, settings.temporal_namespace, keys.codec)
    database = Database(system=settings.system_database)
    if await patiently(health, "database", database.open, stop) is None:
        return
    workflows = TemporalWorkflows(client, settings.task_queue, failpoints_of(settings.failpoints, "relay"))
    relay = Relay(MeasuredStore(database), workflows, keys.cvv, SystemClock(), health, settings)
    alerts = AlertWatch(database, SystemClock(), health)

    async def listen() -> None:
        channels = {
            "payera_outbox": relay.events.set,
            "payera_order": relay.orders.set,
            "payera_alert": alerts.heard.set,
        }
        async with database.listen(channels) as lost:
            health.ok("notifications")
            # What was written before we listened was not announced to us.
            relay.events.set()
            relay.orders.set()
            await lost.wait()
        raise PeerAway("postgresql: the connection that listens is gone")

    parts = {
        "kafka": relay.publish,
        "recovery": relay.recover,
        "orders": relay.wake,
        "cvv": relay.purge,
        "housekeeping": relay.tidy,
        "figures": relay.measure,
        "alerts": alerts.run,
        "notifications": listen,
    }
    try:
        await run_parts(health, parts, stop)
    finally:
        await database.close()


if __name__ == "__main__":
    run_process("relay", ("system_database", "kafka", "temporal", "keys"), main)
