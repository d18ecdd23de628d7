"""Every answer against Stripe's published API description, and the list of differences against what really differs."""

import importlib
import inspect
import json
import re

import pytest

from simulators.stripe.routes import OPERATIONS
from tests.simulators.stripe.conformance import FIXTURES, ROOT, SPEC, Difference, listed, published
from tests.simulators.stripe.simulator import Bench, Shop
from tests.simulators.stripe.tour import tour

pytestmark = [
    pytest.mark.needs_specs,
    pytest.mark.skipif(not SPEC.exists(), reason=f"Stripe's published file is not at {SPEC}"),
]
README = ROOT / "simulators" / "stripe" / "README.md"


@pytest.fixture(scope="module")
def found(bench: Bench) -> dict[Difference, str]:
    """The differences of the whole tour, each with an answer that shows it."""
    bench.recorder.answers.clear()
    bench.recorder.broken_on_purpose = False
    shop = bench.shop()
    tour(shop)
    shop.close()
    seen = {(method, _shape(path)) for method, path, status, _ in bench.recorder.answers if status == 200}
    every = {(operation.method, _shape(operation.path)) for operation in OPERATIONS}
    missed = every - seen - {("POST", "/v1/refunds/*/cancel")}  # cards' refunds can't be canceled: always a refusal
    assert not missed, f"the tour does not reach {missed}"
    return bench.recorder.differences()


def _shape(path: str) -> str:
    known = {segment for operation in OPERATIONS for segment in operation.path.split("/") if "{" not in segment}
    return "/".join(segment if segment in known else "*" for segment in path.split("/"))


def test_no_unlisted_difference(found: dict[Difference, str]) -> None:
    unlisted = {str(difference): where for difference, where in sorted(found.items()) if difference not in listed()}
    assert not unlisted, unlisted


def test_every_listed_difference_still_occurs(found: dict[Difference, str]) -> None:
    gone = [str(difference) for difference in sorted(listed()) if difference not in found]
    assert not gone, f"listed, but no answer of the tour differs so any more: {gone}"


def test_added_fields_are_fields_of_the_current_sdk() -> None:
    """A field that the 2023 file lacks must be one that the official SDK of the current version knows."""
    for difference, row in listed().items():
        assert row["reason"], difference
        assert re.fullmatch(r"20\d\d-\d\d-\d\d\.[a-z]+", row["version"]), difference
        if difference.kind == "added" and not row.get("outside_sdk"):
            name = difference.pointer.rpartition("/")[2]
            owner = {"error": "error_object", "answer": "charge"}.get(difference.object, difference.object)
            source = inspect.getsource(importlib.import_module(f"stripe._{owner}"))
            assert re.search(rf"^\s+{name}: ", source, re.MULTILINE), f"stripe._{owner} has no {name}"


def test_readme_lists_the_same_differences() -> None:
    text = README.read_text("utf-8")
    shown = set(re.findall(r"^\| `([a-z_.]+)` \| `(/[^`]*)` \| (added|value) \|", text, re.MULTILINE))
    assert shown == {(d.object, d.pointer, d.kind) for d in listed()}


MAY_BE_ABSENT = {
    # Real objects leave these out unless something is there to show, or show them to a few accounts only.
    "charge": {"refunds"},
    "payment_method": set(),
}


@pytest.mark.parametrize(
    "name",
    ["payment_intent", "charge", "refund", "payment_method", "customer", "setup_intent", "event", "webhook_endpoint"],
)
def test_objects_carry_every_field_of_the_current_examples(bench: Bench, shop: Shop, name: str) -> None:
    """Field names (not values) of the real example objects of the current version."""
    example = json.loads(FIXTURES.read_text("utf-8"))["resources"][name]
    intent = shop.api.payment_intents.create(
        {"amount": 4200, "currency": "eur", "confirm": True, "payment_method": "pm_card_visa"}
    )
    made = {
        "payment_intent": lambda: intent,
        "charge": lambda: shop.api.charges.retrieve(intent.latest_charge),
        "refund": lambda: shop.api.refunds.create({"payment_intent": intent.id}),
        "payment_method": lambda: shop.api.payment_methods.retrieve(intent.payment_method),
        "customer": lambda: shop.api.customers.create(),
        "setup_intent": lambda: shop.api.setup_intents.create(),
        "event": lambda: shop.api.events.list().data[0],
        "webhook_endpoint": lambda: shop.api.webhook_endpoints.create(
            {"url": "http://127.0.0.1:9/", "enabled_events": ["charge.dispute.created"]}
        ),
    }[name]()
    assert set(example) - set(made.to_dict()) - MAY_BE_ABSENT.get(name, set()) == set()


def test_the_validator_sees_what_is_wrong() -> None:
    """A wrong type, a missing field and an unknown field are all found, where they are."""
    body = {"id": "re_1", "object": "refund", "amount": "1", "charge": {"id": "ch", "object": "charge"}, "odd": 1}
    found = published().judge("GET", "/v1/refunds/re_1", 200, body)
    assert Difference("refund", "/amount", "value") in found
    assert Difference("refund", "/odd", "added") in found
    assert Difference("refund", "/", "value") in found  # created and currency are missing
    assert Difference("charge", "/", "value") in found
    with pytest.raises(LookupError):
        published().judge("GET", "/v1/nowhere", 200, {})
