"""How often somebody may ask: a limit per key, a tighter one for publishable keys, one for failed authentication per
source (SEC-07; OWASP API4 and API6). In this process alone: n processes let n times as much through.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from gateway.api.problems import Problem
from gateway.metrics import THROTTLED

KEY_BURST_S = 2.0
"""A key may use up this many seconds of its rate at once."""
FAILURES_BURST = 20
"""So many failures may come at once: a deployment with an old key, not yet somebody who guesses."""
_REMEMBERED = 10_000


class TokenBuckets:
    """One bucket per name: `burst` tokens at most, `rate` more each second. The least recently used are forgotten."""

    def __init__(self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._burst = max(burst, 1.0)
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str) -> float:
        """Take a token. 0 where there was one, else the seconds until there is."""
        now, tokens = self._level(name)
        wait_s = 0.0 if tokens >= 1 else (1 - tokens) / self._rate
        self._buckets[name] = (now, tokens - 1 if wait_s == 0 else tokens)
        self._buckets.move_to_end(name)
        if len(self._buckets) > _REMEMBERED:
            self._buckets.popitem(last=False)
        return wait_s

    def wait_s(self, name: str) -> float:
        """Seconds until there is a token, without taking one."""
        _, tokens = self._level(name)
        return 0.0 if tokens >= 1 else (1 - tokens) / self._rate

    def _level(self, name: str) -> tuple[float, float]:
        now = self._clock()
        then, tokens = self._buckets.get(name, (now, self._burst))
        return now, min(self._burst, tokens + (now - then) * self._rate)


@dataclass(frozen=True, slots=True)
class Rates:
    """Requests per second; None: no limit."""

    per_key: float | None = None
    per_publishable_key: float | None = None
    failed_authentication: float | None = None


class Throttle:
    """Raises `Problem` 429 with Retry-After for what comes too often."""

    def __init__(self, rates: Rates, clock: Callable[[], float] = time.monotonic) -> None:
        def buckets(rate: float | None, burst: float) -> TokenBuckets | None:
            return None if rate is None else TokenBuckets(rate, burst, clock)

        self._keys = {
            "secret": buckets(rates.per_key, KEY_BURST_S * (rates.per_key or 0)),
            "publishable": buckets(rates.per_publishable_key, KEY_BURST_S * (rates.per_publishable_key or 0)),
        }
        self._failures = buckets(rates.failed_authentication, FAILURES_BURST)

    def admit(self, merchant: str, kind: str) -> None:
        """Count one request of a key. Keys of one kind and merchant share a limit; the operator has none."""
        buckets = self._keys.get(kind)
        if buckets is not None and (wait_s := buckets.take(merchant)):
            raise _too_many(f"{kind}_key", wait_s, "This key asks too often.")

    def check_source(self, source: str) -> None:
        """Refuse a stranger from where authentication failed too often."""
        if self._failures is not None and (wait_s := self._failures.wait_s(source)):
            raise _too_many("failed_authentication", wait_s, "Authentication failed too often from this address.")

    def failed(self, source: str) -> None:
        """Count one failed authentication."""
        if self._failures is not None:
            self._failures.take(source)


def _too_many(limit: str, wait_s: float, detail: str) -> Problem:
    THROTTLED.labels(limit).inc()
    return Problem(429, "rate_limited", detail, {"Retry-After": str(max(1, math.ceil(wait_s)))})
