"""Requests under way in this process, so that a waiter on the same idempotency key wakes at once."""

import asyncio
import contextlib
from collections.abc import Iterator

FlightKey = tuple[str, str, str]
"""Merchant, scope, idempotency key."""


class _Flight:
    __slots__ = ("landed", "travellers")

    def __init__(self) -> None:
        self.landed = asyncio.Event()
        self.travellers = 0


class Flights:
    """Who waits for whom. Only a hint: the truth is the database's, since another process may hold the key."""

    def __init__(self) -> None:
        self._flights: dict[FlightKey, _Flight] = {}

    @contextlib.contextmanager
    def board(self, key: FlightKey) -> Iterator[asyncio.Event]:
        """Join the flight of a key. The event is set by the caller who answers; the entry goes with the last one."""
        flight = self._flights.setdefault(key, _Flight())
        flight.travellers += 1
        try:
            yield flight.landed
        finally:
            flight.travellers -= 1
            if flight.travellers == 0 and self._flights.get(key) is flight:
                del self._flights[key]

    def __len__(self) -> int:
        return len(self._flights)
