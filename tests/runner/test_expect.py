"""Expected against observed: exact, and every difference named with both sides."""

from collections.abc import Callable
from typing import Any

import pytest

from scenarios.runner.evidence import Entry
from scenarios.runner.expect import Observed, differences, matches, simple_outcomes

ATTEMPT = {"provider": "stripe", "status": "approved", "outcomes": ["unknown", "unknown", "approved"], "reason": None}
ATTEMPT |= {"amount": 4200, "currency": "EUR", "kind": "authorize"}


def observed() -> Observed:
    return Observed(
        views={
            "p": {"status": "captured", "amount": 4200, "currency": "EUR", "decline": None, "card": {"last4": "4242"}}
        },
        http={"p": 201},
        attempts={"p": [ATTEMPT]},
        operations={"p": [ATTEMPT]},
        events={"p": ["payment.created", "payment.captured"]},
        webhooks={"p": ["payment.created"]},
        ledger={("psp:stripe:receivable", "EUR"): 4200, ("merchant:payable", "EUR"): -4200},
        journal={"stripe": [Entry(1, "charge", 4200, "EUR", "pi_1", None, "att_1", "pay_1")], "dummypay": []},
        requests={"stripe": {"authorize": 1, "read": 2}},
        rest_s={"p": 1.5},
    )


HOLDS: dict[str, Any] = {
    "p": {"http": 201, "status": "captured", "amount": "EUR 42.00", "decline": None, "card": {"last4": "4242"}},
    "attempts": [{"provider": "stripe", "outcome": ["unknown", "approved"], "amount": "EUR 42.00", "reason": None}],
    "operations": {"p": [{"kind": "authorize"}]},
    "events": ["payment.created", "payment.captured"],
    "webhooks": ["payment.created"],
    "ledger": {"psp:stripe:receivable": "EUR 42.00", "merchant:payable": "EUR -42.00"},
    "journal": {"stripe": ["charge EUR 42.00"], "dummypay": []},
    "requests": {"stripe": {"authorize": 1, "refund": 0}},
    "timing": {"p": "2s"},
}


def test_what_holds_has_no_differences() -> None:
    assert differences(HOLDS, observed()) == []


@pytest.mark.parametrize(
    ("then", "difference"),
    [
        ({"p": {"http": 202}}, "p.http: expected 202, got 201"),
        ({"p": {"status": "declined"}}, "p.status: expected declined, got captured"),
        ({"p": {"amount": "EUR 42.01"}}, "p.amount: expected EUR 42.01, got EUR 42.00"),
        ({"p": {"amount": "USD 42.00"}}, "p.amount: expected USD 42.00, got EUR 42.00"),
        ({"p": {"decline": {"reason": "stolen_card"}}}, "p.decline: expected {reason: stolen_card}, got null"),
        ({"p": {"card": {"last4": "0000"}}}, "p.card.last4: expected 0000, got 4242"),
        (
            {"q": {"status": "captured"}},
            "q: expected a resource with {status: captured}, got nothing: it was never created",
        ),
        ({"attempts": []}, "attempts: expected 0 in this order: [], got 1: authorize at stripe: unknown → approved"),
        ({"attempts": [{"provider": "dummypay"}]}, "attempts 1.provider: expected dummypay, got stripe"),
        ({"attempts": [{"outcome": "approved"}]}, "attempts 1, outcomes: expected [approved], got [unknown, approved]"),
        (
            {"events": ["payment.captured", "payment.created"]},
            "events: expected [payment.captured, payment.created], got [payment.created, payment.captured]",
        ),
        ({"webhooks": []}, "webhooks: expected [], got [payment.created]"),
        (
            {"ledger": {"merchant:payable": "EUR -42.00"}},
            "ledger, psp:stripe:receivable: expected EUR 0.00, got EUR 42.00",
        ),
        ({"journal": {"stripe": []}}, "journal of stripe: expected [], got [charge EUR 42.00]"),
        ({"requests": {"stripe": {"read": 0}}}, "read requests at stripe: expected 0, got 2"),
        ({"timing": {"p": "1s"}}, "timing of p: expected at rest within 1s, got 1.50s"),
        ({"timing": {"q": "1s"}}, "timing of q: expected at rest within 1s, got never at rest"),
    ],
)
def test_every_difference_names_both_sides(then: dict[str, Any], difference: str) -> None:
    assert [str(found) for found in differences(then, observed())] == [difference]


def test_a_list_needs_one_payment() -> None:
    two = observed()
    two.events["q"] = []
    [found] = differences({"events": []}, two)
    assert str(found) == (
        "events: expected a list per payment, since there is not exactly one payment, got payments: p, q"
    )
    assert [str(one) for one in differences({"events": {"q": ["payment.created"]}}, two)] == [
        "events.q: expected [payment.created], got []"
    ]


def test_a_look_that_learned_nothing_new_adds_nothing() -> None:
    assert simple_outcomes(["unknown", "unknown", "absent", "unknown"]) == ["unknown", "absent", "unknown"]


@pytest.mark.parametrize(
    ("wanted", "is_so"), [({"provider": "stripe", "outcome": ["unknown", "approved"]}, True), ({"kind": "void"}, False)]
)
def test_matching_an_operation(wanted: dict[str, Any], is_so: Callable[[], bool]) -> None:
    assert matches(wanted, ATTEMPT) is is_so
