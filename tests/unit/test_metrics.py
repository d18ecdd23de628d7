"""Every figure that a process tells is explained, and every alert asks for figures that exist."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

import gateway.adapters.otlp
import gateway.dispatcher
import gateway.main
import gateway.relay
import gateway.reporting
import gateway.worker  # noqa: F401 - importing the composition roots registers everything that they tell
from gateway.domain.errors import Refused, StoreUnavailable
from gateway.metrics import MeasuredStore, note_refusal
from tests.unit.fakes import FakeStore

ROOT = Path(__file__).parents[2]
_UNITS = ("_total", "_seconds", "_info")
_COUNTS = re.compile(r"_(unsent|waiting|pending|due|dead|open|live|events|unmatched|in_flight|connections)$")
_SELECTOR = re.compile(r"\b(payera_\w+)(?:\{([^}]*)\})?")
_GENERAL_LABELS = {"instance", "le", "job"}


def exported() -> dict[str, tuple[str, ...]]:
    """Every metric of ours that the processes register, with its labels."""
    found: dict[str, tuple[str, ...]] = {}
    for collector in set(REGISTRY._collector_to_names):  # the registry has no public list of what it holds
        labels = getattr(collector, "_labelnames", ("pool", "state"))
        for family in collector.describe() if hasattr(collector, "describe") else collector.collect():
            if family.name.startswith("payera_"):
                found[family.name + ("_total" if family.type == "counter" else "")] = tuple(labels)
    return found


def test_every_metric_is_documented_with_its_labels() -> None:
    lines = (ROOT / "docs/metrics.md").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| `payera_")]
    documented = {name.strip("`"): tuple(filter(None, labels.split(", "))) for name, labels, *_ in rows}
    told = exported()
    assert sorted(documented) == sorted(told)
    assert documented == told
    assert len(documented) == len(rows)
    assert all(process and meaning for _, _, process, meaning, _ in rows)


def test_names_follow_the_conventions() -> None:
    """Base units as suffix, counters end in _total (prometheus.io, naming)."""
    odd = [name for name in exported() if not name.endswith(_UNITS) and not _COUNTS.search(name)]
    assert odd == []


def rules() -> list[Any]:
    document = yaml.safe_load((ROOT / "compose/prometheus/alerts.yaml").read_text(encoding="utf-8"))
    return [rule for group in document["groups"] for rule in group["rules"]]


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_alerts_ask_for_what_there_is(rule: Any) -> None:
    told = exported()
    selectors = _SELECTOR.findall(rule["expr"])
    assert selectors, rule["expr"]
    labels: set[str] = set()
    for name, conditions in selectors:
        metric = re.sub(r"_(bucket|count|sum)$", "", name)
        assert metric in told, f"{rule['alert']} asks for {name}"
        labels |= set(told[metric])
        for condition in filter(None, conditions.split(",")):
            assert re.fullmatch(r'(\w+)(=|!=|=~|!~)"[^"]*"', condition), condition
            assert re.match(r"\w+", condition)[0] in told[metric], condition  # type: ignore[index]  # it just matched
    for grouped in re.findall(r"by \(([^)]*)\)", rule["expr"]):
        assert set(grouped.split(", ")) <= labels | _GENERAL_LABELS
    assert rule["expr"].count("(") == rule["expr"].count(")")
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"])) <= labels


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def test_what_is_written_down_is_counted_once() -> None:
    operation = {"provider": "dummypay", "kind": "authorize", "status": "declined", "reason": "lost_card"}
    store = FakeStore(
        payment_apply_v1=[{"result": "applied", "operation": operation}, {"result": "already", "operation": operation}],
        attempt_begin_v1={"result": "refused", "why": "hop_limit"},
    )
    labels = {"provider": "dummypay", "kind": "authorize", "outcome": "declined", "reason": "lost_card"}
    before = value("payera_operations_total", **labels), value("payera_fallbacks_refused_total", why="hop_limit")
    timed = value("payera_db_call_seconds_count", function="payment_apply_v1")
    measured = MeasuredStore(store)
    for _ in range(2):
        await measured.call("payment_apply_v1", "m", {})
    await measured.call("attempt_begin_v1", "m", {})
    after = value("payera_operations_total", **labels), value("payera_fallbacks_refused_total", why="hop_limit")
    assert (after[0] - before[0], after[1] - before[1]) == (1, 1)
    assert value("payera_db_call_seconds_count", function="payment_apply_v1") - timed == 2


async def test_an_absent_database_and_refusals_are_counted() -> None:
    away = value("payera_db_unavailable_total")
    refused = value("payera_refusals_total", code="retry_not_allowed")
    with pytest.raises(StoreUnavailable):
        await MeasuredStore(FakeStore(order_claim_v1=StoreUnavailable())).system("order_claim_v1", {})
    note_refusal(Refused("retry_not_allowed", "until tomorrow"))
    assert value("payera_db_unavailable_total") - away == 1
    assert value("payera_refusals_total", code="retry_not_allowed") - refused == 1
