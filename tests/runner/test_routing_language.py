"""Routing in the language: providers off the route are named by line, a document goes out as the API takes it."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from scenarios.runner.language import load_text
from scenarios.runner.routing import document
from scenarios.runner.source import BadScenario

TEXT = """scenario: a rule about the amount
given:
  route: [stripe, dummypay]
  merchant: {mcc: "5411"}
  routing:
    rules:
      - {id: large, by: split, when: {amount: {at_least: EUR 42.00}}, providers: [dummypay, stripe],
         shares: {dummypay: 90, stripe: 10}}
    fees: [{provider: stripe, basis_points: 140, fixed: EUR 0.25}]
    circuit: {failures: 2, pause_s: 3}
when:
  - simulate: {amount: EUR 42.00, brand: visa, bin: "424242"}
then:
  s: {rule: large}
  circuits: {stripe: closed}
"""


def test_the_document_goes_out_as_the_api_takes_it() -> None:
    [scenario] = load_text(Path("x.yaml"), TEXT, "test")
    accounts: Any = {slug: SimpleNamespace(gateway_account=f"pa_{slug}") for slug in scenario.route}
    assert document(scenario.given, accounts) == {
        "providers": ["pa_stripe", "pa_dummypay"],
        "max_fallbacks": 1,
        "rules": [
            {
                "id": "large",
                "by": "split",
                "when": {"amount": {"at_least": 4200}},
                "providers": ["pa_dummypay", "pa_stripe"],
                "shares": {"pa_dummypay": 90, "pa_stripe": 10},
            }
        ],
        "fees": [{"provider": "pa_stripe", "basis_points": 140, "fixed": 25, "currency": "EUR"}],
        "circuit": {"failures": 2, "pause_s": 3},
    }


@pytest.mark.parametrize(
    ("wrong", "right", "complaint"),
    [
        (
            "providers: [dummypay, stripe],\n",
            "providers: [dummypy, stripe],\n",
            "'dummypy' is not on the route",
        ),
        ("stripe: 10}", "strip: 10}", "x.yaml:8: 'strip' is not on the route. Did you mean 'stripe'?"),
        ("provider: stripe, basis", "provider: adyen, basis", "x.yaml:9: 'adyen' is not on the route."),
        ("circuits: {stripe", "circuits: {adyen", "x.yaml:15: 'adyen' is not on the route."),
        ("at_least: EUR 42.00", "at_least: EUR 42", "'EUR 42': EUR has 2 digits after the point"),
        ("closed}", "shut}", "'shut' is not known here."),
        ("  s: {", "  t: {", "'t' is neither a section nor a name given above."),
    ],
)
def test_a_mistake_is_named(wrong: str, right: str, complaint: str) -> None:
    assert TEXT.count(wrong) == 1
    with pytest.raises(BadScenario) as error:
        load_text(Path("x.yaml"), TEXT.replace(wrong, right), "test")
    assert any(complaint in str(problem) for problem in error.value.problems), [str(p) for p in error.value.problems]
