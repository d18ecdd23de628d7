"""Figures that several processes share. docs/metrics.md says what each is for; a test holds the two together.

Labels have few values, all of them ours: a provider's slug, a kind, a status, a code. Never an id, never a text that
somebody sent.
"""

import time
from collections.abc import Callable, Iterable
from typing import Any

from prometheus_client import REGISTRY, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from gateway.domain.errors import PayeraError, StoreUnavailable
from gateway.use_cases.ports import Json, Store
from gateway.version import VERSION

BUILD = Gauge("payera_build_info", "Which build of which process this is; always 1", ["process", "version"])
OPERATIONS = Counter(
    "payera_operations_total",
    "Outcomes that were written down, one per operation and outcome",
    ["provider", "kind", "outcome", "reason"],
)
FALLBACKS_REFUSED = Counter(
    "payera_fallbacks_refused_total", "Fallback attempts that were due and not allowed", ["why"]
)
REFUSALS = Counter("payera_refusals_total", "Requests that were refused, by the problem's code", ["code"])
THROTTLED = Counter("payera_throttled_total", "Requests that were answered 429, by the limit that they met", ["limit"])
DB_SECONDS = Histogram(
    "payera_db_call_seconds",
    "Time that one stored procedure took, with the wait for a connection",
    ["function"],
    buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
DB_AWAY = Counter("payera_db_unavailable_total", "Calls that the database did not answer")


def announce(process: str) -> None:
    """Tell which build this is."""
    BUILD.labels(process, VERSION).set(1)


class MeasuredStore:
    """The stored procedures with their times, and with what they say of operations counted."""

    def __init__(self, inner: Store) -> None:
        self._inner = inner
        self._timers: dict[str, Any] = {}

    async def call(self, function: str, merchant: str, p: Json) -> Any:
        """As the inner one."""
        started = time.perf_counter()
        try:
            answer = await self._inner.call(function, merchant, p)
        except StoreUnavailable:
            DB_AWAY.inc()
            raise
        finally:
            self._time(function, started)
        note = _NOTES.get(function)
        if note is not None:
            note(answer)
        return answer

    async def system(self, function: str, p: Json) -> Any:
        """As the inner one."""
        started = time.perf_counter()
        try:
            return await self._inner.system(function, p)
        except StoreUnavailable:
            DB_AWAY.inc()
            raise
        finally:
            self._time(function, started)

    def _time(self, function: str, started: float) -> None:
        timer = self._timers.get(function)
        if timer is None:
            timer = self._timers[function] = DB_SECONDS.labels(function)
        timer.observe(time.perf_counter() - started)


def _note_applied(answer: Any) -> None:
    if answer["result"] in ("applied", "surplus"):
        operation = answer["operation"]
        reason = operation.get("reason") or "none"
        OPERATIONS.labels(operation["provider"], operation["kind"], operation["status"], reason).inc()


def _note_attempt(answer: Any) -> None:
    if answer["result"] == "refused":
        FALLBACKS_REFUSED.labels(answer["why"]).inc()


_NOTES: dict[str, Callable[[Any], None]] = {
    "payment_apply_v1": _note_applied,
    "attempt_begin_v1": _note_attempt,
}


def note_refusal(error: PayeraError) -> None:
    """Count a refusal by its code, which is one of a fixed set."""
    REFUSALS.labels(error.code).inc()


class PoolCollector(Collector):
    """Connections of every pool that is open, read when somebody looks."""

    def __init__(self) -> None:
        self._pools: dict[str, Callable[[], tuple[int, int]]] = {}

    def watch(self, name: str, look: Callable[[], tuple[int, int]]) -> None:
        """`look` gives (size, idle) of the pool with that name; a later one takes the place of an earlier one."""
        self._pools[name] = look

    def forget(self, name: str) -> None:
        """The pool is closed."""
        self._pools.pop(name, None)

    def collect(self) -> Iterable[GaugeMetricFamily]:
        family = GaugeMetricFamily(
            "payera_db_connections", "Database connections, by pool and state", labels=["pool", "state"]
        )
        for name, look in self._pools.items():
            size, idle = look()
            family.add_metric([name, "used"], size - idle)
            family.add_metric([name, "idle"], idle)
        yield family


POOLS = PoolCollector()
REGISTRY.register(POOLS)
