"""The language: good files become scenarios; bad ones are told file, line, what is wrong and how to mend it."""

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from scenarios.runner import language, money
from scenarios.runner.grammar import seconds
from scenarios.runner.source import BadScenario

GOOD = """\
scenario: a payment that is well described
proves: [INV-01]
given:
  route: [stripe, dummypay]
  faults:
    stripe: {when: {operation: authorize}, then: {action: decline, code: "05"}}
when:
  - pay: {amount: EUR 42.00, card: visa_approved}
  - capture: p
then:
  p: {status: captured}
  journal: {stripe: [decline EUR 42.00]}
"""


def load(text: str) -> list[language.Scenario]:
    return language.load_text(Path("x.yaml"), text, "pack")


def test_the_parts_of_a_scenario() -> None:
    [scenario] = load(GOOD)
    assert scenario.id == "pack/x"
    assert scenario.route == ("stripe", "dummypay")
    assert scenario.proves == ("INV-01",)
    assert [(step.verb, step.told, step.line) for step in scenario.steps] == [
        ("pay", {"amount": "EUR 42.00", "card": "visa_approved", "as": "p"}, 8),
        ("capture", {"payment": "p", "as": "c"}, 9),
    ]
    assert scenario.then_line == 10


def test_a_data_table_multiplies_and_keeps_types() -> None:
    text = GOOD.replace("given:", 'examples:\n  - {code: "91", again: 201}\n  - {code: "96", again: 202}\ngiven:')
    text = text.replace('code: "05"', "code: <code>").replace("capture: p", "capture: {payment: p, http: <again>}")
    first, second = load(text)
    assert [first.name, second.name] == ["x[91-201]", "x[96-202]"]
    assert first.given["faults"]["stripe"]["then"]["code"] == "91"
    assert second.steps[1].told["http"] == 202


@pytest.mark.parametrize(
    ("wrong", "right", "complaint"),
    [
        ("amont:", "amount:", "x.yaml:8: 'amont' is no word of when → pay. Did you mean 'amount'?"),
        ("captur: p", "capture: p", "x.yaml:9: 'captur' is no word of when. Did you mean 'capture'?"),
        ("capture: q", "capture: p", "x.yaml:9: nothing before this step is called 'q'. Known: p"),
        ("code: 05", 'code: "05"', "x.yaml:6: then → code is 5, not text. Quote it:"),
        ("EUR 42, card", "EUR 42.00, card", "x.yaml:8: 'EUR 42': EUR has 2 digits after the point, like EUR 42.00."),
        ("visa_aproved", "visa_approved", "x.yaml:8: stripe has no card 'visa_aproved'. Did you mean 'visa_approved'?"),
        ("    strip:", "    stripe:", "x.yaml:6: 'strip' is not on the route. Did you mean 'stripe'?"),
        ("action: declin,", "action: decline,", "x.yaml:6: 'declin' is not known here. Did you mean 'decline'?"),
        ("  q: {status", "  p: {status", "x.yaml:11: 'q' is neither a section nor a name given above."),
        ("{adyen: [", "{stripe: [", "x.yaml:12: 'adyen' is not on the route."),
        ("[charge EUR 42]", "[decline EUR 42.00]", "x.yaml:12: 'EUR 42': EUR has 2 digits after the point"),
        (
            "- kill: api",
            "- capture: p",
            "x.yaml:9: kill would hit everybody's scenarios. Add exclusive: true at the top",
        ),
        ("- pay: {amount: EUR 1.00}", "- capture: p", "x.yaml:9: pay needs either a card or a token."),
        (
            "- pay: {amount: EUR 1.00, card: visa_approved, as: p}",
            "- capture: p",
            "x.yaml:9: two steps make a thing called 'p'. Give one of them another name with as:",
        ),
        ("<code>", '"05"', "x.yaml:6: <code> is no column of the examples. Columns: none: there is no examples table"),
        ("proves: [INV-1]", "proves: [INV-01]", "x.yaml:2: 'INV-1' does not fit."),
        ("when: []", "when:\n  - pay: {amount: EUR 42.00, card: visa_approved}\n  - capture: p", "x.yaml:7: "),
        ("given:\n  route: []", "given:\n  route: [stripe, dummypay]", "x.yaml:4: "),
    ],
)
def test_mistakes_are_explained_at_their_line(wrong: str, right: str, complaint: str) -> None:
    assert right in GOOD
    with pytest.raises(BadScenario) as caught:
        load(GOOD.replace(right, wrong, 1))
    assert complaint in str(caught.value)


def test_all_mistakes_of_a_file_come_at_once_in_order() -> None:
    with pytest.raises(BadScenario) as caught:
        load(GOOD.replace("visa_approved", "visa").replace("capture: p", "capture: q"))
    assert [problem.line for problem in caught.value.problems] == [8, 9]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "x.yaml:1: the file is empty."),
        ("a: [1", "x.yaml:1: not YAML:"),
        (GOOD + "then: {}\n", "x.yaml:13: 'then' stands twice in one mapping. Keep one of the two"),
        (GOOD.replace("given:", "examples: 3\ngiven:"), "x.yaml:3: examples is not a table."),
        (GOOD.replace("given:", "examples: [{a: 1}, {a: 1}]\ngiven:"), "two rows of the examples are called '1'"),
    ],
)
def test_files_that_are_no_scenarios(text: str, complaint: str) -> None:
    with pytest.raises(BadScenario) as caught:
        load(text)
    assert complaint in str(caught.value)


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(language.validator().schema)


def test_every_committed_scenario_loads() -> None:
    scenarios = language.load_packs([])
    packs = {scenario.pack for scenario in scenarios}
    assert {"smoke", "cascading"} <= packs
    assert len({scenario.path for scenario in scenarios if scenario.pack == "smoke"}) >= 6
    assert len({scenario.path for scenario in scenarios if scenario.pack == "cascading"}) >= 15
    assert len({scenario.id for scenario in scenarios}) == len(scenarios)


def test_choosing() -> None:
    assert {scenario.id for scenario in language.load_packs(["smoke/cancel[stripe]"])} == {"smoke/cancel[stripe]"}
    assert {scenario.pack for scenario in language.load_packs(["smoke"])} == {"smoke"}
    with pytest.raises(BadScenario, match=r"there is no pack, scenario or file 'smok'\. Did you mean 'smoke'"):
        language.load_packs(["smok"])


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [("EUR 42.00", 4200, "EUR"), ("EUR -0.01", -1, "EUR"), ("JPY 500", 500, "JPY"), ("KWD 1.234", 1234, "KWD")],
)
def test_money_is_read_and_written_back(text: str, amount: int, currency: str) -> None:
    assert money.parse(text) == (amount, currency)
    assert str(money.parse(text)) == text


@pytest.mark.parametrize("text", ["42.00 EUR", "EUR 42", "EUR 42.5", "JPY 5.00", "KWD 1.00", "eur 1.00", "EUR 1,00"])
def test_what_is_no_money(text: str) -> None:
    with pytest.raises(ValueError, match=r"like|write"):
        money.parse(text)


def test_durations() -> None:
    assert [seconds(text) for text in ("250ms", "5s", "1.5s", "2m", "1h", "1d")] == [0.25, 5, 1.5, 120, 3600, 86400]
