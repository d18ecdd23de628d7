"""An account's virtual clock: real time plus an offset, and a queue of what is due.

Advancing the clock does not jump over what lies between: everything due is done in order of its due time (equal times:
in order of scheduling), and while it is done the clock shows that very time. So a test gets the same sequence whether
it waits or advances.
"""

import asyncio
import heapq
import time
from collections.abc import Awaitable, Callable


class Due:
    """One scheduled action. `cancel()` takes it out; the queue forgets it when its time comes."""

    __slots__ = ("action", "at", "canceled", "order")

    def __init__(self, at: float, order: int, action: Callable[[], None]) -> None:
        self.at = at
        self.order = order
        self.action = action
        self.canceled = False

    def __lt__(self, other: "Due") -> bool:
        return (self.at, self.order) < (other.at, other.order)

    def cancel(self) -> None:
        """Take the action back; harmless if it was done already."""
        self.canceled = True


class Clock:
    """Seconds since the epoch, shifted by `offset`. An event loop wakes it in real time, `advance` at once."""

    def __init__(self, offset: float = 0.0) -> None:
        self.offset = offset
        self._queue: list[Due] = []
        self._orders = 0
        self._shown: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._halted = False

    def now(self) -> float:
        """The account's time in seconds since the epoch; during a due action, the time at which it was due."""
        return time.time() + self.offset if self._shown is None else self._shown

    def at(self, due: float, action: Callable[[], None]) -> Due:
        """Do `action` when the clock shows `due` (seconds since the epoch), or very soon if that has passed."""
        self._orders += 1
        item = Due(due, self._orders, action)
        heapq.heappush(self._queue, item)
        if self._shown is None:  # while firing, `fire` itself arms the timer at its end
            self._arm()
        return item

    def after(self, seconds: float, action: Callable[[], None]) -> Due:
        """Do `action` in `seconds` of this clock."""
        return self.at(self.now() + seconds, action)

    async def advance(self, seconds: float, quiet: Callable[[], Awaitable[None]]) -> int:
        """Move the clock forward by seconds, due time by due time; `quiet` is awaited after each.

        Returns how many actions were done. Raises ValueError for a negative move: a clock that goes back would make
        things due twice.
        """
        if seconds < 0:
            raise ValueError("a virtual clock only goes forward")
        limit = self.now() + seconds
        done = 0
        try:
            while self._queue and self._queue[0].at <= limit:
                item = heapq.heappop(self._queue)
                if item.canceled:
                    continue
                self._shown = max(item.at, self.now() if self._shown is None else self._shown)
                item.action()
                done += 1
                await quiet()
        finally:
            self._shown = None
            self.offset += seconds
            self._arm()
        return done

    def fire(self) -> int:
        """Do everything that is due. An action may schedule another one, which is done too if it is due by now."""
        if self._shown is not None:  # an advance is under way, and does it
            return 0
        limit = time.time() + self.offset
        done = 0
        try:
            while self._queue and self._queue[0].at <= limit:
                item = heapq.heappop(self._queue)
                if item.canceled:
                    continue
                self._shown = item.at
                item.action()
                done += 1
        finally:
            self._shown = None
            self._arm()
        return done

    def clear(self) -> None:
        """Forget everything scheduled and go back to real time."""
        for item in self._queue:
            item.cancel()
        self._queue.clear()
        self.offset = 0.0
        self._disarm()

    def halt(self) -> None:
        """Stop waking up in real time (the process ends); what waits stays in the queue."""
        self._disarm()
        self._halted = True

    def pending(self) -> int:
        """How many actions wait."""
        return sum(not item.canceled for item in self._queue)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        self._disarm()
        if not self._queue or self._halted:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # no loop yet (state is being read): `fire` is called once serving begins
            return
        delay = max(0.0, self._queue[0].at - time.time() - self.offset)
        self._timer = loop.call_later(delay, self.fire)
