"""Goal: who asks too often is told when to come back, and nobody else pays for it (SEC-07)."""

from typing import Any

import orjson

from gateway.api.auth import ACQUAINTED_S, CACHE_S, Authentication
from gateway.api.edge import Edge
from gateway.api.problems import Problem
from gateway.api.throttle import FAILURES_BURST, Rates, Throttle, TokenBuckets
from tests.unit.fakes import FakeStore


class Ticks:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


GUESSING = Rates(failed_authentication=0.1)


class Hashes:
    def api_key_hash(self, key: str) -> str:
        return f"hash of {key}"


def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    ticks = Ticks()
    buckets = TokenBuckets(rate=2, burst=4, clock=ticks)
    assert [buckets.take("a") for _ in range(5)] == [0, 0, 0, 0, 0.5]
    assert buckets.take("b") == 0  # its own
    ticks.now += 0.5
    assert [buckets.take("a"), buckets.take("a")] == [0, 0.5]
    ticks.now += 3600
    assert [buckets.take("a") for _ in range(5)] == [0, 0, 0, 0, 0.5]  # no more than the burst was saved up


def test_a_refused_request_costs_nothing() -> None:
    """Who keeps asking is let in as soon as who waits."""
    ticks = Ticks()
    buckets = TokenBuckets(rate=1, burst=1, clock=ticks)
    assert buckets.take("a") == 0
    for _ in range(9):
        ticks.now += 0.1
        assert buckets.take("a") > 0
    ticks.now += 0.2
    assert buckets.take("a") == 0


def refused(throttle: Throttle, merchant: str, kind: str) -> dict[str, str] | None:
    try:
        throttle.admit(merchant, kind)
    except Problem as problem:
        return problem.headers
    return None


def test_keys_have_limits_by_kind_and_merchant() -> None:
    throttle = Throttle(Rates(per_key=2, per_publishable_key=0.25), Ticks())
    assert [refused(throttle, "m1", "secret") for _ in range(5)] == [None] * 4 + [{"Retry-After": "1"}]
    assert [refused(throttle, "m1", "publishable") for _ in range(2)] == [None, {"Retry-After": "4"}]
    assert refused(throttle, "m2", "secret") is None
    assert [refused(throttle, "", "admin") for _ in range(9)] == [None] * 9


def test_without_rates_there_is_no_limit() -> None:
    throttle = Throttle(Rates(), Ticks())
    assert [refused(throttle, "m", "secret") for _ in range(100)] == [None] * 100
    for _ in range(100):
        throttle.failed("here")
    throttle.check_source("here")


def known_keys(rates: Rates = GUESSING) -> tuple[Authentication, FakeStore, Ticks]:
    """An Authentication that knows one key, `sk_test_good`, and whose clock is the test's."""
    ticks = Ticks()

    def answer(p: Any) -> Any:
        return {"merchant": "m", "kind": "secret"} if p["hash"] == "hash of sk_test_good" else None

    store = FakeStore(api_key_lookup_v1=answer)
    authentication = Authentication(
        store,
        Hashes(),
        environment="test",
        admin_key="ak_test_admin",
        throttle=Throttle(rates, ticks),
        clock=ticks,
    )
    return authentication, store, ticks


async def status(authentication: Authentication, key: str, source: str) -> int:
    try:
        await authentication.caller(f"Bearer {key}", source)
    except Problem as problem:
        return problem.status
    return 200


async def test_guessing_is_slowed_down_and_asks_nobody() -> None:
    authentication, store, ticks = known_keys()
    answers = [await status(authentication, f"sk_test_{number}", "1.2.3.4") for number in range(FAILURES_BURST + 5)]
    assert answers == [401] * FAILURES_BURST + [429] * 5
    assert len(store.asked) == FAILURES_BURST
    assert await status(authentication, "", "1.2.3.4") == 429
    assert await status(authentication, "sk_test_x", "5.6.7.8") == 401  # another source
    ticks.now += 10
    assert await status(authentication, "sk_test_x", "1.2.3.4") == 401
    assert await status(authentication, "sk_test_x", "1.2.3.4") == 429


async def test_a_key_that_is_known_gets_in_from_a_throttled_source() -> None:
    """Behind a proxy everybody has one address."""
    authentication, _, ticks = known_keys()
    assert await status(authentication, "sk_test_good", "proxy") == 200
    for number in range(FAILURES_BURST):
        await status(authentication, f"sk_test_{number}", "proxy")
    ticks.now += CACHE_S + 1
    assert await status(authentication, "sk_test_strange", "proxy") == 429
    assert await status(authentication, "sk_test_good", "proxy") == 200
    assert await status(authentication, "ak_test_admin", "proxy") == 200


async def test_acquaintance_ends() -> None:
    authentication, store, ticks = known_keys()
    assert await status(authentication, "sk_test_good", "proxy") == 200
    ticks.now += CACHE_S + ACQUAINTED_S + 1
    for number in range(FAILURES_BURST):
        await status(authentication, f"sk_test_{number}", "proxy")
    assert await status(authentication, "sk_test_good", "proxy") == 429
    # A key that was revoked is a stranger at its next look-up.
    authentication, store, ticks = known_keys()
    assert await status(authentication, "sk_test_good", "proxy") == 200
    store.answers["api_key_lookup_v1"] = None
    ticks.now += CACHE_S + 0.1
    assert await status(authentication, "sk_test_good", "proxy") == 401


async def test_too_many_requests_are_a_problem_with_a_time_to_come_back() -> None:
    authentication, _, _ = known_keys(Rates(per_key=0.5))

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def get() -> tuple[int, dict[bytes, bytes], bytes]:
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": b""}

        async def send(message: Any) -> None:
            sent.append(message)

        headers = [(b"authorization", b"Bearer sk_test_good")]
        scope = {"type": "http", "method": "GET", "path": "/v1/payments", "headers": headers, "client": ("1.2.3.4", 1)}
        await Edge(app, authentication)(scope, receive, send)
        return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]

    assert (await get())[0] == 204
    status, headers, body = await get()
    assert (status, headers[b"retry-after"], headers[b"content-type"]) == (429, b"2", b"application/problem+json")
    assert orjson.loads(body)["code"] == "rate_limited"
