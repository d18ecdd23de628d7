"""Whoever runs this is told: alerts as figures and log lines, and those that only a look from time to time can notice.

What is raised in the commit that causes it (a circuit, an endpoint, a settlement file) is in the database already; here
the rest is looked for, and all of it is told once.
"""

import asyncio

import structlog
from prometheus_client import Counter, Gauge

from gateway.adapters.background import pause
from gateway.adapters.health import Health
from gateway.use_cases.ports import Clock, Json, Store

_log = structlog.get_logger("payera.alerts")

RAISED = Counter("payera_alerts_raised_total", "Alerts raised, as this process saw them", ["kind"])
OPEN = Gauge("payera_alerts_open", "Alerts that are open", ["kind"])

WATCH_EVERY_S = 15.0
OUTBOX_LATE_S = 60.0
"""An event that the relay could not publish for so long: Kafka is away."""
ORDERS_LATE_S = 60.0
"""An order that Temporal has not acknowledged for so long: Temporal is away."""
STUCK_S = 900.0
"""Three times the longest pause between two looks (`domain.resolution`): what works never stands still for so long."""


class AlertWatch:
    """Looks every `WATCH_EVERY_S`, and as soon as the database says that an alert was raised (`heard`)."""

    def __init__(self, store: Store, clock: Clock, health: Health) -> None:
        self._store = store
        self._clock = clock
        self._health = health
        self._last: int | None = None
        self.heard = asyncio.Event()

    async def run(self) -> None:
        """Endless. Raises what the store raises."""
        while True:
            await self.look()
            self._health.ok("alerts")
            await pause(self.heard, WATCH_EVERY_S)

    async def look(self) -> Json:
        """One look. What was open before this process began is in the figures, and not told again as new."""
        limits = {"outbox_s": OUTBOX_LATE_S, "orders_s": ORDERS_LATE_S, "stuck_s": STUCK_S}
        p = {"at": self._clock.now().isoformat(), "after": self._last or 0} | limits
        seen: Json = await self._store.system("alert_watch_v1", p)
        if self._last is not None:
            for alert in seen["raised"]:
                RAISED.labels(alert["kind"]).inc()
                _log.warning("alert", **{name: alert[name] for name in ("kind", "subject", "merchant", "details")})
        self._last = max(self._last or 0, seen["last"])
        OPEN.clear()
        for kind, count in seen["open"].items():
            OPEN.labels(kind).set(count)
        return seen
