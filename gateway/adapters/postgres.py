"""The database as the use cases see it: one stored procedure, one round trip, one commit (the port `Store`).

A connection is held for exactly one call. JSON goes in and out as text; asyncpg keeps one prepared statement per
function and connection. Refusals of the procedures (SQLSTATE PAxxx) become the errors of `gateway.domain.errors`.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import cache, partial
from types import TracebackType
from typing import Any, Self, TypeAlias

import asyncpg
import orjson

from gateway import tracing
from gateway.domain.errors import Bug, Conflict, IdempotencyKeyReused, NotFound, PayeraError, Refused, StoreUnavailable
from gateway.metrics import POOLS
from gateway.use_cases.ports import Json

_Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"  # a string: the class is generic in its stubs only

_REFUSALS: dict[str, type[PayeraError]] = {
    "PA404": NotFound,
    "PA409": IdempotencyKeyReused,
    "PA410": Conflict,
    "PA422": Refused,
    "PA500": Bug,
}
_AWAY = (
    asyncpg.PostgresConnectionError,  # 08: connection exception
    asyncpg.InterfaceError,  # closed or broken on our side
    asyncpg.InternalClientError,  # the server's goodbye arrived just as a query began
    asyncpg.TransactionRollbackError,  # 40: serialization failure, deadlock
    asyncpg.InsufficientResourcesError,  # 53: too many connections, disk full
    asyncpg.OperatorInterventionError,  # 57: shutting down, crashed, canceled
    asyncpg.LockNotAvailableError,
    OSError,
    TimeoutError,
)
# Every query finds its rows by an index. A plan is cached when its tables are still small, where reading them whole
# looks cheaper, and they outgrow it long before statistics are renewed.
_SESSION = {"application_name": "payera", "jit": "off", "enable_seqscan": "off"}
_SPAN = {"db.system.name": "postgresql"}
_FUNCTION = re.compile(r"^[a-z][a-z0-9_]*_v[0-9]+$")


class Database:
    """A pool per role: `call` needs the application's, `system` the system's (or the application's two look-ups)."""

    def __init__(
        self,
        app: str | None = None,
        system: str | None = None,
        *,
        connections_max: int = 10,
        timeout_s: float = 10.0,
    ) -> None:
        """`app` and `system` are DSNs of payera_app and payera_relay; a process gives those it needs.

        `timeout_s` bounds every call, and separately the opening of a connection.
        """
        self._dsns = {"app": app, "system": system}
        self._connections_max = connections_max
        self._timeout_s = timeout_s
        self._pools: dict[str, _Pool] = {}

    async def open(self) -> Self:
        """Connect. Raises `StoreUnavailable`."""
        try:
            for name, dsn in self._dsns.items():
                if dsn is not None:
                    self._pools[name] = await asyncpg.create_pool(
                        dsn,
                        min_size=1,
                        max_size=self._connections_max,
                        command_timeout=self._timeout_s,
                        timeout=self._timeout_s,
                        reset=_leave_as_it_is,
                        server_settings=_SESSION,
                    )
                    POOLS.watch(name, partial(_occupied, self._pools[name]))
        except (asyncpg.PostgresError, *_AWAY) as error:
            await self.close()
            raise StoreUnavailable(f"cannot connect to the database: {type(error).__name__}") from error
        return self

    async def close(self) -> None:
        """Wait for the calls under way, then close every connection."""
        pools, self._pools = self._pools, {}
        for name, pool in pools.items():
            POOLS.forget(name)
            await pool.close()

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def call(self, function: str, merchant: str, p: Json) -> Any:
        """Call `api.<function>` for one merchant, in one transaction.

        Raises `NotFound`, `IdempotencyKeyReused`, `Conflict`, `Refused`, `Bug`; `StoreUnavailable` when nobody knows
        whether it was committed.
        """
        return await self._run("app", "api", function, merchant, _encoded(p))

    async def system(self, function: str, p: Json) -> Any:
        """Call `sys.<function>`, across merchants. Raises as `call`."""
        name = "system" if "system" in self._pools else "app"
        return await self._run(name, "sys", function, _encoded(p))

    async def _run(self, name: str, schema: str, function: str, *arguments: str) -> Any:
        pool = self._pools.get(name)
        if pool is None:
            raise StoreUnavailable(f"the database is not open for {name}")
        query = _query(schema, _checked(function))
        with tracing.span(function, tracing.SpanKind.CLIENT, _SPAN, only_inside=True):
            try:
                answer = await pool.fetchval(query, *arguments, tracing.here())
            except _AWAY as error:
                raise StoreUnavailable(f"the database did not answer: {type(error).__name__}") from error
            except asyncpg.PostgresError as error:
                raise _refusal(error) from error
        return None if answer is None else orjson.loads(answer)

    @asynccontextmanager
    async def listen(self, channels: Mapping[str, Callable[[], object]]) -> AsyncIterator[asyncio.Event]:
        """Call back on notifications, over a connection of its own. Gives an event that is set when it is lost.

        Notifications are a hint: poll as well, for what a lost one hid. Raises `StoreUnavailable`.
        """
        dsn = self._dsns["system"] or self._dsns["app"]
        lost = asyncio.Event()
        try:
            connection = await asyncpg.connect(dsn, timeout=self._timeout_s)
            connection.add_termination_listener(lambda _: lost.set())
            for channel, heard in channels.items():
                await connection.add_listener(channel, lambda *_, heard=heard: heard())
        except (asyncpg.PostgresError, *_AWAY) as error:
            raise StoreUnavailable(f"cannot listen: {type(error).__name__}") from error
        try:
            yield lost
        finally:
            connection.terminate()


def _occupied(pool: _Pool) -> tuple[int, int]:
    return pool.get_size(), pool.get_idle_size()


async def _leave_as_it_is(_: object) -> None:
    """No round trip to reset a connection: a call leaves nothing in its session, the tenant ends with its commit."""


@cache
def _query(schema: str, function: str) -> str:
    """One statement, one transaction. What it writes that outlives the request (events, orders) keeps the trace: their
    column takes it from the setting, which ends with the transaction."""
    arguments, trace = ("$1, $2::jsonb", "$3") if schema == "api" else ("$1::jsonb", "$2")
    tail = f"from set_config('payera.traceparent', {trace}, true)"
    return f"select {schema}.{function}({arguments}) {tail}"


def _checked(function: str) -> str:
    if not _FUNCTION.match(function):
        raise Bug("function_name_invalid", f"not the name of a stored procedure: {function!r}")
    return function


def _encoded(p: Json) -> str:
    return orjson.dumps(p).decode()


def _refusal(error: asyncpg.PostgresError) -> PayeraError:
    kind = _REFUSALS.get(error.sqlstate or "")
    if kind is not None:
        return kind(error.as_dict().get("message") or "refused", error.as_dict().get("detail") or "")
    # A constraint that held where a rule should have: our mistake. The detail could quote a row, so it stays out.
    return Bug("database_refused", f"{type(error).__name__} ({error.sqlstate})")
