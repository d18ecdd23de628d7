"""Alerts as figures and log lines: what was open before is shown and not told as new, what is raised is told once."""

from datetime import UTC, datetime
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.adapters import alerts
from gateway.adapters.alerts import AlertWatch
from gateway.adapters.health import Health


class Store:
    """Answers with `seen`, and keeps what it was asked."""

    def __init__(self) -> None:
        self.seen: dict[str, Any] = {"open": {}, "reviews": 0, "raised": [], "last": 0}
        self.asked: list[tuple[str, dict[str, Any]]] = []

    async def call(self, function: str, merchant: str, p: dict[str, Any]) -> Any:
        raise AssertionError(function)

    async def system(self, function: str, p: dict[str, Any]) -> Any:
        self.asked.append((function, p))
        return self.seen


class Clock:
    def now(self) -> datetime:
        return datetime(2026, 11, 22, 12, tzinfo=UTC)

    def monotonic_s(self) -> float:
        return 0.0


def alert(position: int, kind: str = "circuit_open") -> dict[str, Any]:
    return {"position": position, "kind": kind, "subject": "pa_1", "merchant": "mer_1", "details": {"failures": 5}}


def raised(kind: str) -> float:
    return float(alerts.RAISED.labels(kind)._value.get())


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def watch(store: Store) -> AlertWatch:
    return AlertWatch(store, Clock(), Health("relay"))


async def test_what_was_there_before_is_no_news(store: Store, watch: AlertWatch) -> None:
    before = raised("circuit_open")
    store.seen |= {"open": {"circuit_open": 1}, "raised": [alert(7)], "last": 7}
    with capture_logs() as lines:
        await watch.look()
    assert (lines, raised("circuit_open")) == ([], before)
    assert alerts.OPEN.labels("circuit_open")._value.get() == 1
    assert store.asked == [
        (
            "alert_watch_v1",
            {
                "at": "2026-11-22T12:00:00+00:00",
                "after": 0,
                "outbox_s": alerts.OUTBOX_LATE_S,
                "orders_s": alerts.ORDERS_LATE_S,
                "stuck_s": alerts.STUCK_S,
            },
        )
    ]


async def test_what_is_raised_is_told_once_and_its_end_shows(store: Store, watch: AlertWatch) -> None:
    await watch.look()
    before = raised("orders_late")
    store.seen |= {"open": {"orders_late": 1}, "raised": [alert(8, "orders_late")], "last": 8}
    with capture_logs() as lines:
        await watch.look()
    assert raised("orders_late") == before + 1
    [line] = lines
    assert (line["event"], line["kind"], line["subject"], line["merchant"]) == (
        "alert",
        "orders_late",
        "pa_1",
        "mer_1",
    )
    store.seen |= {"open": {}, "raised": []}
    with capture_logs() as lines:
        await watch.look()
    assert lines == []
    assert store.asked[-1][1]["after"] == 8
    assert [sample for metric in alerts.OPEN.collect() for sample in metric.samples] == []
