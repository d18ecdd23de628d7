"""The database as the use cases see it: one stored procedure, one round trip, one commit (the port `Store`).

A connection is held for exactly one call. JSON goes in and out as text; asyncpg keeps one prepared statement per
function and connection. Refusals of the procedures (SQLSTATE PAxxx) become the errors of `gateway.domain.errors`.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self

import asyncpg
import orjson

from gateway.domain.errors import Bug, Conflict, IdempotencyKeyReused, NotFound, PayeraError, Refused, StoreUnavailable
from gateway.use_cases.ports import Json

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
    asyncpg.TransactionRollbackError,  # 40: serialization failure, deadlock
    asyncpg.InsufficientResourcesError,  # 53: too many connections, disk full
    asyncpg.OperatorInterventionError,  # 57: shutting down, crashed, canceled
    asyncpg.LockNotAvailableError,
    OSError,
    TimeoutError,
)
_FUNCTION = re.compile(r"^[a-z][a-z0-9_]*_v[0-9]+$")


class Database:
    """A pool per role. `call` needs the application's role; `system` the system's, or the two look-ups of the first."""

    def __init__(
        self, pool: "asyncpg.Pool[asyncpg.Record]", system: "asyncpg.Pool[asyncpg.Record] | None" = None
    ) -> None:
        self._pool = pool
        self._system = system or pool

    @classmethod
    async def open(
        cls,
        dsn: str,
        system_dsn: str | None = None,
        *,
        min_size: int = 2,
        max_size: int = 10,
        timeout_s: float = 10.0,
    ) -> "Database":
        """Connect. `timeout_s` bounds every call, and separately the wait for a free connection.

        `system_dsn` (the role payera_relay) is for processes that need both. Raises `StoreUnavailable`.
        """
        pools: list[asyncpg.Pool[asyncpg.Record]] = []
        try:
            for address in (dsn, system_dsn):
                if address is not None:
                    pool = asyncpg.create_pool(
                        address,
                        min_size=min_size if address is dsn else 0,
                        max_size=max_size,
                        command_timeout=timeout_s,
                        timeout=timeout_s,
                        server_settings={"application_name": "payera", "jit": "off"},
                    )
                    pools.append(await pool)
        except (asyncpg.PostgresError, *_AWAY) as error:
            for pool in pools:
                await pool.close()
            raise StoreUnavailable(f"cannot connect to the database: {type(error).__name__}") from error
        return cls(*pools)

    async def close(self) -> None:
        """Wait for the calls under way, then close every connection."""
        await self._pool.close()
        if self._system is not self._pool:
            await self._system.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def call(self, function: str, merchant: str, p: Json) -> Any:
        """Call `api.<function>` for one merchant, in one transaction.

        Raises `NotFound`, `IdempotencyKeyReused`, `Conflict`, `Refused`, `Bug`; `StoreUnavailable` when nobody knows
        whether it was committed.
        """
        return await self._run(self._pool, f"select api.{_checked(function)}($1, $2::jsonb)", merchant, _encoded(p))

    async def system(self, function: str, p: Json) -> Any:
        """Call `sys.<function>`, across merchants. Raises as `call`."""
        return await self._run(self._system, f"select sys.{_checked(function)}($1::jsonb)", _encoded(p))

    async def _run(self, pool: "asyncpg.Pool[asyncpg.Record]", query: str, *arguments: str) -> Any:
        try:
            answer = await pool.fetchval(query, *arguments)
        except _AWAY as error:
            raise StoreUnavailable(f"the database did not answer: {type(error).__name__}") from error
        except asyncpg.PostgresError as error:
            raise _refusal(error) from error
        return None if answer is None else orjson.loads(answer)

    @asynccontextmanager
    async def listen(self, *channels: str) -> AsyncIterator["Wakeup"]:
        """Hear notifications on a connection of its own. A hint only: poll as well, for what a lost one hid."""
        try:
            connection = await self._system.acquire()
        except (asyncpg.PostgresError, *_AWAY) as error:
            raise StoreUnavailable(f"cannot listen: {type(error).__name__}") from error
        wakeup = Wakeup()
        try:
            for channel in channels:
                await connection.add_listener(channel, wakeup.heard)
            connection.add_termination_listener(wakeup.lost)
            yield wakeup
        except _AWAY as error:
            raise StoreUnavailable(f"cannot listen: {type(error).__name__}") from error
        finally:
            await self._system.release(connection)  # resets it, which drops the listeners


class Wakeup:
    """Set by a notification. `wait` returns at the first since the last wait, or after `timeout_s`."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self.connection_lost = False

    def heard(self, *_: object) -> None:
        self._event.set()

    def lost(self, *_: object) -> None:
        """The connection is gone: wake up, and let the owner open another one."""
        self.connection_lost = True
        self._event.set()

    async def wait(self, timeout_s: float) -> bool:
        """Whether a notification came. Raises `StoreUnavailable` once the connection is lost."""
        try:
            await asyncio.wait_for(self._event.wait(), timeout_s)
        except TimeoutError:
            return False
        self._event.clear()
        if self.connection_lost:
            raise StoreUnavailable("the listening connection was lost")
        return True


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


__all__: Sequence[str] = ("Database", "Wakeup")
