"""The delivery loop: claims what is due, keeps a slow endpoint from starving the others, records results in batches."""

import asyncio
import contextlib
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import structlog

from gateway.adapters.background import pause
from gateway.adapters.health import Health
from gateway.domain.errors import StoreUnavailable
from gateway.use_cases.ports import Json, Store

_log = structlog.get_logger("payera.deliveries")

LEASE_S = 45.0
START_BY_S = 25.0
"""After this much of its lease a claimed row is not started any more: a try of 15 s must end inside the lease."""
PER_ENDPOINT = 8
"""Connections at once to one endpoint."""
HELD_PER_ENDPOINT = 64
"""Rows held in memory for one endpoint; past that its rows stay in the database."""
HELD = 512
CLAIM = 64
POLL_S = 0.5
GATHER_S = 0.05
"""Claims and results come at most this often, so that many deliveries share a commit."""
_FAREWELL_S = 1.0

Deliver = Callable[[Json], Awaitable[Json]]
"""One try of one row; returns what `delivery_results_v1` records, never raises for what an endpoint does."""


class Deliveries:
    """Set `due` when rows were planned; polling finds retries and replays. `name` is this process's, for leases."""

    def __init__(self, store: Store, deliver: Deliver, health: Health, name: str) -> None:
        self._store = store
        self._deliver = deliver
        self._health = health
        self._name = name
        self.due = asyncio.Event()
        self._held: Counter[str] = Counter()
        self._gates: dict[str, asyncio.Semaphore] = {}
        self._chains: dict[tuple[str, str], deque[tuple[float, Json]]] = {}
        self._results: list[Json] = []
        self._has_results = asyncio.Event()

    @property
    def in_flight(self) -> int:
        """Rows that were claimed and have no recorded result yet."""
        return self._held.total() + len(self._results)

    async def run(self) -> None:
        """Endless. Raises an outage of the store. What was claimed and not finished is due again at once."""
        for memory in (self._held, self._gates, self._chains, self._results):
            memory.clear()
        await self._store.system("delivery_release_v1", {"dispatcher": self._name})
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._claim(group))
                group.create_task(self._record())
        except ExceptionGroup as errors:
            outages, mistakes = errors.split(StoreUnavailable)
            if mistakes is not None:
                raise
            raise StoreUnavailable(str(outages)) from None
        finally:
            await self._let_go()

    async def _let_go(self) -> None:
        """On the way out: what is known is recorded, what is held is released. Without the database, leases do it."""
        with contextlib.suppress(StoreUnavailable, TimeoutError):
            async with asyncio.timeout(_FAREWELL_S):
                if self._results:
                    p = {"dispatcher": self._name, "results": self._results}
                    await self._store.system("delivery_results_v1", p)
                await self._store.system("delivery_release_v1", {"dispatcher": self._name})

    async def _claim(self, group: asyncio.TaskGroup) -> None:
        while True:
            free = min(CLAIM, HELD - self._held.total())
            rows = await self._take(free) if free > 0 else []
            self._health.ok("deliveries")
            start_by_s = time.monotonic() + START_BY_S
            for row in rows:
                self._hold(group, row, start_by_s)
            await asyncio.sleep(GATHER_S)
            if len(rows) < CLAIM:
                await pause(self.due, POLL_S)

    async def _take(self, limit: int) -> list[Json]:
        rows: list[Json] = await self._store.system(
            "delivery_claim_v1",
            {
                "dispatcher": self._name,
                "limit": limit,
                "lease_ms": int(LEASE_S * 1000),
                "at": datetime.now(UTC).isoformat(),
                "busy": [endpoint for endpoint, held in self._held.items() if held >= HELD_PER_ENDPOINT],
            },
        )
        return rows

    def _hold(self, group: asyncio.TaskGroup, row: Json, start_by_s: float) -> None:
        """Deliveries of one payment to one endpoint go one after another, as far as retries allow."""
        self._held[row["endpoint_id"]] += 1
        key = (row["endpoint_id"], row["payload"]["subject"])
        chain = self._chains.get(key)
        if chain is None:
            self._chains[key] = deque([(start_by_s, row)])
            group.create_task(self._follow(key))
        else:
            chain.append((start_by_s, row))

    async def _follow(self, key: tuple[str, str]) -> None:
        endpoint = key[0]
        gate = self._gates.setdefault(endpoint, asyncio.Semaphore(PER_ENDPOINT))
        chain = self._chains[key]
        while chain:
            start_by_s, row = chain.popleft()
            async with gate:
                if time.monotonic() < start_by_s:
                    # In two steps: `self._results` is exchanged while the delivery is under way, and a list looked up
                    # before the wait would be the one that has been recorded already.
                    result = await self._deliver(row)
                    self._results.append(result)
                    self._has_results.set()
            self._held[endpoint] -= 1
        del self._chains[key]
        if not self._held[endpoint]:
            del self._held[endpoint]
            # Nobody waits at this gate: whoever comes next makes a fresh one.
            self._gates.pop(endpoint, None)

    async def _record(self) -> None:
        while True:
            await self._has_results.wait()
            self._has_results.clear()
            results, self._results = self._results, []
            if results:
                done = await self._store.system("delivery_results_v1", {"dispatcher": self._name, "results": results})
                if done["stale"]:
                    _log.warning("results_without_lease", results=done["stale"])
            if self._held:
                self.due.set()
            await asyncio.sleep(GATHER_S)
