"""Reports of a made-up run: console lines, JUnit, and one payment's story."""

import dataclasses
import io
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.console import Console

from scenarios.report import junit
from scenarios.report.console import Reporter, listing
from scenarios.runner import timeline
from scenarios.runner.evidence import Violation
from scenarios.runner.language import Scenario
from scenarios.runner.run import Failure, Result, Verdict

SCENARIO = Scenario(
    pack="smoke",
    name="one",
    title="something that is shown",
    path=Path("packs/smoke/one.yaml"),
    proves=("INV-01",),
    exclusive=False,
    given={"route": ["stripe"]},
    steps=(),
    then={},
    then_line=9,
)


@pytest.fixture
def verdict() -> Verdict:
    good = Result(SCENARIO, took_s=0.5)
    bad = Result(
        dataclasses.replace(SCENARIO, name="two"), 1.5, [Failure("p.status: expected a, got b", 9)], ["p = pay_1"]
    )
    return Verdict([good, bad], [Violation("INV-01", "charged 2 times")], took_s=2.0, seed=7)


def test_the_console_without_a_terminal(verdict: Verdict) -> None:
    out = io.StringIO()
    reporter = Reporter(Console(file=out, width=120, force_terminal=False), total=2)
    with reporter:
        for result in verdict.results:
            reporter.listener("began", result)
            reporter.listener("ended", result)
    reporter.verdict(verdict)
    text = out.getvalue()
    assert "ok     0.5s  smoke/one" in text
    assert "FAIL   1.5s  smoke/two" in text
    assert "  - one.yaml:9: p.status: expected a, got b" in text
    assert "    p = pay_1" in text
    assert "over the whole run: INV-01: charged 2 times" in text
    assert "again: payera scenarios run 'smoke/two'" in text
    assert "INV-01       2          stripe                       1 failed" in text
    assert "1 of 2 scenarios passed, 1 violations over the whole run: failed in 2.0s (seed 7)" in text
    assert not verdict.passed


def test_junit(verdict: Verdict, tmp_path: Path) -> None:
    path = tmp_path / "reports" / "scenarios.xml"
    junit.write(verdict, path)
    root = ElementTree.parse(path).getroot()
    assert [(suite.get("name"), suite.get("tests"), suite.get("failures")) for suite in root] == [
        ("smoke", "2", "1"),
        ("over the whole run", "1", "1"),
    ]
    assert [case.get("name") for case in root.iter("testcase")] == ["one", "two", "invariants over all merchants"]
    [first, second] = [failure.get("message") for failure in root.iter("failure")]
    assert (first, second) == ("one.yaml:9: p.status: expected a, got b", "INV-01: charged 2 times")


def test_the_list() -> None:
    assert listing([SCENARIO]) == ["smoke/one  something that is shown (INV-01)"]


def test_a_story_is_told_in_order_of_time() -> None:
    calls = [
        {"started": 10.0, "ended": 10.2, "method": "POST", "path": "/v1/payments", "status": 201, "subject": "pay_1"}
    ]
    requests = [
        {"at": "1970-01-01T00:00:10.100Z", "method": "POST", "path": "/v1/charges", "operation": "authorize"}
        | {"status": None, "fault": ["commit_then_lose_response"], "reference": "att_1", "idempotency_key": "att_1"},
        {"at": 10.15, "method": "POST", "path": "/v1/charges", "operation": "authorize", "reference": "att_9"},
    ]
    journal = [{"at": 10.09, "kind": "charge", "amount": 4200, "currency": "EUR", "payment": "pay_1"}]
    moments = timeline.from_calls(calls, "pay_1")
    moments += timeline.from_requests("dummypay", requests, frozenset({"att_1"}))
    moments += timeline.from_journal("dummypay", journal, "pay_1")
    assert timeline.lines(moments) == [
        "        0 ms  client     POST /v1/payments",
        "       90 ms  dummypay   journal: charge EUR 42.00",
        "      100 ms  dummypay   POST /v1/charges (authorize) → no answer, fault: commit_then_lose_response",
        "      200 ms  client     POST /v1/payments → 201",
    ]
