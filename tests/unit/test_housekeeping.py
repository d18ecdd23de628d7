"""The relay's housekeeping: which ages it asks for, and that it goes on at once only where there is more."""

import asyncio
from datetime import timedelta
from typing import Any, cast

import pytest

from gateway import relay
from gateway.adapters.health import Health
from gateway.settings import read_settings
from gateway.use_cases.housekeeping import FORGET_CLUSTER_S, Keep
from tests.unit.fakes import NOW, FakeClock, FakeStore

FUNCTIONS = ("idempotency_purge_v1", "notification_purge_v1", "delivery_purge_v1", "receipt_purge_v1")


async def test_ages_come_from_the_settings_and_full_batches_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    limit = Keep().limit
    first = {name: {"purged": 0} for name in FUNCTIONS} | {"delivery_purge_v1": {"purged": limit}}
    rounds: dict[str, Any] = {name: [first[name], {"purged": 3}] for name in FUNCTIONS}
    store = FakeStore(**rounds)
    rests: list[float] = []
    done = asyncio.Event()

    async def rest(seconds: float) -> None:
        if not seconds:  # the fakes give way to others
            return
        rests.append(seconds)
        if len(rests) == 2:
            done.set()
            await asyncio.Event().wait()

    monkeypatch.setattr(relay.asyncio, "sleep", rest)
    environ = {
        "PAYERA_KEEP_IDEMPOTENCY_S": "60",
        "PAYERA_KEEP_NOTIFICATIONS_S": "120",
        "PAYERA_KEEP_DELIVERIES_S": "180",
        "PAYERA_KEEP_RECEIPTS_S": "240",
    }
    health = Health("relay")
    nothing = cast("Any", None)
    made = relay.Relay(store, nothing, nothing, FakeClock(), health, read_settings(environ))
    task = asyncio.create_task(made.tidy())
    await asyncio.wait_for(done.wait(), 30)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert rests == [relay.TIDY_REST_S, relay.TIDY_EVERY_S]
    assert health.healthy

    def before(seconds: int) -> dict[str, Any]:
        return {"before": (NOW - timedelta(seconds=seconds)).isoformat(), "limit": limit}

    ages = [before(60), before(120), before(180)]
    receipts = {"older_than_s": 240, "forget_s": FORGET_CLUSTER_S, "limit": limit}
    one_round = [(name, "", p) for name, p in zip(FUNCTIONS, [*ages, receipts], strict=True)]
    assert store.asked == one_round * 2
