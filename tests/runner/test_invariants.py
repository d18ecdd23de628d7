"""Each invariant against planted violations: right books pass, and one thing changed is found and named."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from scenarios.runner.evidence import Entry, Evidence, Line, Violation
from scenarios.runner.invariants import INVARIANTS, automata, judge, judge_all
from scenarios.runner.topic import Message
from tests.runner.evidence import call, delivery, entry, events, operation, right

Change = Callable[[Evidence], Evidence]


def with_(name: str, change: Callable[[Any], Any]) -> Change:
    """Evidence with one of its fields changed."""
    return lambda evidence: dataclasses.replace(evidence, **{name: change(getattr(evidence, name))})


def journal(provider: str, change: Callable[[list[Any]], list[Any]]) -> Change:
    return with_("journals", lambda journals: {**journals, provider: change(list(journals[provider]))})


def only(name: str, identifier: str, **changed: Any) -> Change:
    """One row of a field, by its id, with other values."""
    return with_(
        name, lambda rows: [dataclasses.replace(row, **changed) if row.id == identifier else row for row in rows]
    )


def test_right_books_pass() -> None:
    assert judge(right()) == []
    assert judge_all([right(), dataclasses.replace(Evidence("mer_2"))]) == []


PLANTED: list[tuple[str, Change, str]] = [
    (
        "INV-01",
        journal("dummypay", lambda rows: [*rows, entry(9, "charge", 4200, "att_9", "pay_1")]),
        "charged 2 times: charge EUR 42.00 at stripe (psp_att_1), charge EUR 42.00 at dummypay (psp_att_9)",
    ),
    (
        "INV-01",
        journal("stripe", lambda rows: rows[:3]),
        "charged 2 times: charge EUR 42.00 at stripe (psp_att_3a), charge EUR 42.00 at dummypay (psp_att_3b)",
    ),
    (
        "INV-01",
        journal("stripe", lambda rows: [*rows, entry(9, "authorize", 4200, "att_9", "pay_2")]),
        "charged 2 times: authorize EUR 42.00 at stripe (psp_att_9), authorize EUR 42.00 at dummypay (psp_att_2)",
    ),
    (
        "INV-02",
        journal("stripe", lambda rows: [*rows, entry(9, "charge", 500, "att_9", "pay_9")]),
        "charge EUR 5.00 at stripe (psp_att_9) belongs to no operation of the gateway: att_9",
    ),
    (
        "INV-02",
        only("operations", "att_1", status="declined"),
        "charge EUR 42.00 at stripe (psp_att_1) was approved, the gateway has att_1 as declined",
    ),
    (
        "INV-02",
        only("operations", "att_2", provider_reference="psp_other"),
        "authorize EUR 42.00 at dummypay (psp_att_2): PSP reference is psp_att_2 at the PSP, "
        "psp_other at the gateway (att_2)",
    ),
    (
        "INV-02",
        only("operations", "cap_2", amount=3001),
        "capture EUR 30.00 at dummypay (psp_cap_2): amount is 3000 at the PSP, 3001 at the gateway (cap_2)",
    ),
    (
        "INV-02",
        journal("stripe", lambda rows: [*rows, entry(9, "refund_failed", 1200, "ref_1", "pay_1", "psp_att_1")]),
        "refund_failed EUR 12.00 at stripe (psp_ref_1): the gateway still has ref_1 as approved",
    ),
    (
        "INV-03",
        journal("dummypay", lambda rows: rows[:2]),
        "authorize att_3b is approved, dummypay approved 0 such",
    ),
    (
        "INV-03",
        journal("stripe", lambda rows: [*rows, rows[1]]),
        "refund ref_1 is approved, stripe approved 2 such",
    ),
    (
        "INV-04",
        with_("ledger", lambda rows: rows[1:]),
        "stripe moved EUR 42.00 for att_1, the ledger posted EUR 0.00",
    ),
    (
        "INV-04",
        journal("stripe", lambda rows: [rows[0], *rows[2:]]),
        "stripe moved EUR 0.00 for ref_1, the ledger posted EUR -12.00",
    ),
    (
        "INV-05",
        only("ledger", "ltx_cap_2", lines=(Line("psp:dummypay:receivable", "EUR", 3000), Line("x", "EUR", -2999))),
        "ledger transaction ltx_cap_2 is off by EUR 0.01",
    ),
    (
        "INV-05",
        only("ledger", "ltx_att_1", lines=(Line("psp:stripe:receivable", "EUR", 1), Line("x", "EUR", -1))),
        "ledger transaction ltx_att_1 was changed: its lines do not give its hash",
    ),
    (
        "INV-05",
        with_("ledger", lambda rows: [row for row in rows if row.id != "ltx_att_3a"]),
        "ledger transaction ltx_ref_3 names",
    ),
    (
        "INV-06",
        journal("dummypay", lambda rows: [*rows, entry(9, "capture", 1201, "cap_9", "pay_2", "psp_att_2")]),
        "psp_att_2 at dummypay: captured EUR 42.01 of EUR 42.00 authorized",
    ),
    (
        "INV-06",
        journal("stripe", lambda rows: [*rows, entry(9, "refund", 3001, "ref_9", "pay_1", "psp_att_1")]),
        "psp_att_1 at stripe: refunded EUR 42.01 of EUR 42.00 captured",
    ),
    (
        "INV-06",
        journal("dummypay", lambda rows: [*rows, entry(9, "void", 1200, "void_9", "pay_2", "psp_att_2")]),
        "psp_att_2 at dummypay: voided and captured",
    ),
    (
        "INV-06",
        only("payments", "pay_1", amount_refunded=4201),
        "the gateway's amounts are out of order: refunded EUR 42.01 ≤ captured EUR 42.00",
    ),
    (
        "INV-08",
        with_("events", lambda rows: [*rows, {**rows[4], "type": "payment.canceled", "sequence": 4}]),
        "payment went from captured to canceled",
    ),
    (
        "INV-08",
        only("operations", "att_2", outcomes=("declined", "approved")),
        "authorize att_2 went from declined to approved",
    ),
    (
        "INV-08",
        only("operations", "att_3a", surplus=False),
        "authorize att_3a is reversed, but was no surplus",
    ),
    (
        "INV-09",
        with_("messages", lambda rows: [row for row in rows if row.event["id"] != "evt_pay_1_2"]),
        "payment.captured (sequence 2) is not on the topic",
    ),
    (
        "INV-09",
        with_("messages", lambda rows: [row for row in rows if row.event["id"] != "evt_pay_1_1"]),
        "cannot tell: the topic was seen from sequence 2 on, not from 1",
    ),
    (
        "INV-09",
        with_("messages", lambda rows: [dataclasses.replace(rows[0], offset=99), *rows[1:]]),
        "sequence 1 came after 4",
    ),
    (
        "INV-09",
        with_("messages", lambda rows: [dataclasses.replace(rows[0], partition=9), *rows[1:]]),
        "events are spread over partitions [0, 9]",
    ),
    (
        "INV-09",
        with_("messages", lambda rows: [*rows, Message(0, 99, "pay_1", {**rows[0].event, "type": "payment.failed"})]),
        "two different events have the sequence 1",
    ),
    (
        "INV-09",
        with_("messages", lambda rows: [dataclasses.replace(rows[0], key="pay_2"), *rows[1:]]),
        "the message evt_pay_1_1 has the key 'pay_2'",
    ),
    (
        "INV-09",
        with_("events", lambda rows: rows[:1] + rows[2:]),
        "the outbox has the sequences [1, 3, 4], not 1..3",
    ),
    (
        "INV-09",
        with_("topic_fault", lambda _: "the broker is gone"),
        "cannot tell: the topic could not be followed: the broker is gone",
    ),
    (
        "INV-10",
        only("payments", "pay_2", status="authorized"),
        "status is captured by the events, authorized as stored",
    ),
    (
        "INV-10",
        only("payments", "pay_1", amount_refunded=0),
        "amount_refunded is 1200 by the events, 0 as stored",
    ),
    (
        "INV-10",
        only("payments", "pay_2", amount_captured=2999),
        "amount_captured is 3000 by the events, 2999 as stored",
    ),
    (
        "INV-11",
        with_("calls", lambda rows: [*rows, call("k1", {"amount": 4200}, 201, {"id": "pay_2"}, 4.0)]),
        "POST /v1/payments: one key, 2 effects: pay_1, pay_2",
    ),
    (
        "INV-11",
        with_("calls", lambda rows: [*rows, call("k1", {"amount": 4200}, 201, {"id": "pay_1", "extra": 1}, 4.0)]),
        "POST /v1/payments: one key, different final answers: 201",
    ),
    (
        "INV-11",
        with_(
            "calls", lambda rows: [*rows, call("k1", {"amount": 1}, 201, {"id": "pay_1", "status": "captured"}, 4.0)]
        ),
        "POST /v1/payments: another body under the key k1 was answered 201",
    ),
    (
        "INV-14",
        with_("endpoints", lambda rows: [dataclasses.replace(rows[0], received=rows[0].received[1:])]),
        "payment.created (sequence 1) neither reached the merchant nor is a dead letter",
    ),
    (
        "INV-14",
        with_("endpoints", lambda rows: [dataclasses.replace(rows[0], wants=("payment.captured",))]),
        "the merchant did not ask for payment.created",
    ),
    (
        "INV-14",
        with_(
            "endpoints",
            lambda rows: [
                dataclasses.replace(
                    rows[0], received=(*rows[0].received, delivery({"id": "evt_x", "subject": "pay_1", "sequence": 9}))
                )
            ],
        ),
        "the merchant was told evt_x, which was never committed",
    ),
    (
        "INV-14",
        with_(
            "endpoints",
            lambda rows: [
                dataclasses.replace(
                    rows[0],
                    received=tuple(dataclasses.replace(one, fault="no signature is valid") for one in rows[0].received),
                )
            ],
        ),
        "a merchant webhook is not signed well: no signature is valid",
    ),
    (
        "INV-14",
        with_(
            "endpoints",
            lambda rows: [
                dataclasses.replace(
                    rows[0],
                    received=(dataclasses.replace(rows[0].received[0], body=b'{"id": "x"}'), *rows[0].received[1:]),
                )
            ],
        ),
        "the merchant was told something else than evt_pay_1_1 says",
    ),
    (
        "RET-06",
        only("operations", "att_3a", outcomes=("unknown", "approved")),
        "dummypay was asked (att_3b) although stripe (att_3a) had not refused: unknown → approved",
    ),
]


@pytest.mark.parametrize(
    ("invariant", "change", "message"), PLANTED, ids=[f"{n}-{row[0]}" for n, row in enumerate(PLANTED)]
)
def test_a_planted_violation_is_found_and_named(invariant: str, change: Change, message: str) -> None:
    found = [str(violation) for violation in INVARIANTS[invariant](change(right()))]
    assert any(text.startswith(f"{invariant}: {message}") for text in found), found


def test_every_invariant_has_a_planted_violation() -> None:
    assert {row[0] for row in PLANTED} == set(INVARIANTS)


def test_a_dead_letter_counts_as_told() -> None:
    evidence = right()
    endpoint = dataclasses.replace(
        evidence.endpoints[0], received=evidence.endpoints[0].received[1:], dead=frozenset({"evt_pay_1_1"})
    )
    assert judge(dataclasses.replace(evidence, endpoints=[endpoint])) == []


def test_a_message_that_comes_twice_is_no_violation() -> None:
    evidence = right()
    again = dataclasses.replace(evidence.messages[0], offset=99)
    assert judge(dataclasses.replace(evidence, messages=[*evidence.messages, again])) == []


def test_money_under_review_is_known_but_only_with_its_alert() -> None:
    evidence = journal("stripe", lambda rows: [*rows, entry(9, "charge", 420, "att_4", "pay_4")])(right())
    reviewed = operation("att_4", "pay_4", "authorize", "stripe", status="review", outcomes=("unknown",))
    evidence = dataclasses.replace(evidence, operations=[*evidence.operations, reviewed])
    assert {violation.invariant for violation in judge(evidence)} == {"INV-02", "INV-04"}
    alert = {"id": "evt_4", "type": "payment.needs_review", "subject": "pay_4", "sequence": 1}
    assert reviewed.id in dataclasses.replace(evidence, events=[*evidence.events, alert]).under_review()


def test_a_chargeback_is_the_banks_and_gives_the_money_back() -> None:
    """No operation of the gateway stands behind it, and what was charged back does not count as taken."""

    def taken_back(lines: list[Any]) -> list[Any]:
        return [*lines, dataclasses.replace(entry(90, "chargeback", 3000, "", "pay_1", "psp_att_1"), reference=None)]

    def twice(lines: list[Any]) -> list[Any]:
        return [*lines, entry(91, "charge", 4200, "att_9", "pay_1")]

    def doubled(evidence: Evidence) -> list[str]:
        return [one.message for one in judge(evidence) if one.invariant == "INV-01" and one.about == "pay_1"]

    unposted = Violation("INV-04", "chargeback EUR 30.00 at stripe: the journal has 1 more", "pay_1")
    assert list(judge(journal("stripe", taken_back)(right()))) == [unposted]
    assert len(doubled(journal("stripe", twice)(right()))) == 1
    assert doubled(journal("stripe", lambda lines: taken_back(twice(lines)))(right())) == []


def test_what_shows_up_at_another_merchant() -> None:
    other = Evidence("mer_2", journals={"stripe": [entry(1, "charge", 1, "att_1", "pay_1")]})
    assert Violation("INV-17", "mer_2 saw a payment of mer_1", "pay_1") in judge_all([right(), other])


def test_the_automata_are_closed() -> None:
    assert set().union(*automata.PAYMENT.values()) <= set(automata.PAYMENT)
    assert set().union(*automata.OPERATION.values()) <= set(automata.OPERATION)
    assert sorted(automata.TERMINAL) == ["canceled", "declined", "failed"]


def test_a_superseded_authorization_counts_until_it_is_gone() -> None:
    """INV-01: the hold whose place another one took is gone, ran out, or its captured money is the payment's."""
    new = operation("att_9", "pay_2", "authorize", "dummypay", supersedes="att_2")
    old = [entry(1, "authorize", 4200, "att_2", "pay_2"), entry(9, "authorize", 4200, "att_9", "pay_2")]
    stands = only("operations", "att_2", superseded_by="att_9")(with_("operations", lambda rows: [*rows, new])(right()))

    def judged(*lines: Entry) -> list[str]:
        evidence = dataclasses.replace(stands, journals={"dummypay": [*old, *lines]})
        return [str(violation) for violation in INVARIANTS["INV-01"](evidence)]

    assert [text[:23] for text in judged()] == ["INV-01: charged 2 times"]
    assert judged(entry(10, "void", 4200, "void_9", "pay_2", "psp_att_2")) == []
    ran_out = dataclasses.replace(entry(10, "void", 4200, "att_2", "pay_2"), code="expired")
    assert judged(ran_out) == []
    assert judged(entry(10, "capture", 1000, "cap_2", "pay_2", "psp_att_2")) == []


def test_a_payment_rebuilt_from_its_events_knows_of_failures_afterwards() -> None:
    """INV-10, INV-08: a capture that failed takes the status back, a refund that bounced is not counted."""
    captured = {"status": "captured", "amount_captured": 4200}
    rows = events(
        "pay_9",
        ("payment.created", {"status": "processing"}),
        ("payment.captured", captured),
        ("refund.succeeded", captured),
        ("refund.failed", captured),
        ("payment.capture_failed", {"status": "authorized", "amount_captured": 0}),
        refund=500,
    )
    assert automata.rebuild(rows) == {
        "status": "authorized", "amount": 4200, "currency": "EUR", "amount_authorized": 0, "amount_captured": 0,
        "amount_refunded": 0,
    }  # fmt: skip
