"""docs/asyncapi.yaml against what is really sent: every message on the topic and webhook of a tour of all types."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from compose import topics
from gateway.domain.decline import DeclineReason
from gateway.domain.dispute import DISPUTE_TRANSITIONS, DisputeReason
from gateway.domain.events import EVENT_TYPES
from gateway.domain.payment import PAYMENT_TRANSITIONS
from scenarios.runner import surroundings
from scenarios.runner.language import load_packs
from scenarios.runner.run import Verdict, run

ROOT = Path(__file__).parents[2]
DOCUMENT: dict[str, Any] = yaml.safe_load((ROOT / "docs" / "asyncapi.yaml").read_text(encoding="utf-8"))
COMPONENTS = DOCUMENT["components"]
TOUR = (
    "smoke/cancel[dummypay]",
    "smoke/decline[dummypay-insufficient_funds]",
    "smoke/refund[dummypay]",
    "cascading/both_down",
    "aftersale/dispute_given_back[dummypay-late]",
    "aftersale/dispute_given_back[dummypay-settled]",
    "aftersale/dispute_taken[dummypay-reopened]",
    "cascading/wrong_amount[dummypay-stripe]",
    "aftersale/review_resolved_nothing_moved[dummypay-stripe]",
    "cascading/webhook_after_fallback[captured]",
    *(str(path) for path in sorted((Path(__file__).parent / "asyncapi_tour").glob("*.yaml"))),
)
"""Scenarios that bring about every type of event there is."""


def validator(schema: dict[str, Any]) -> Draft7Validator:
    """A schema of the document, with the document's own components to refer to."""
    return Draft7Validator({**schema, "components": COMPONENTS})


def message_of(event_type: str) -> dict[str, Any] | None:
    """The documented message of a type of event."""
    return next((each for each in COMPONENTS["messages"].values() if each["name"] == event_type), None)


def complaints(event: dict[str, Any]) -> Iterator[str]:
    """What the document says against an event; nothing if it is as documented."""
    message = message_of(str(event.get("type")))
    if message is None:
        yield f"{event.get('type')} is not documented"
        return
    for error in validator(message["payload"]).iter_errors(event):
        yield f"{event['type']}: /{'/'.join(map(str, error.absolute_path))}: {error.message}"


@pytest.fixture(scope="module")
def tour(environment: dict[str, Any]) -> Verdict:
    around = surroundings.load(Path(environment["state"]) / "env.json")
    verdict = asyncio.run(run(around, load_packs(list(TOUR)), seed=1, jobs=4, listener=lambda word, result: None))
    assert [failure.text for result in verdict.results for failure in result.failures] == []
    return verdict


# --- the document by itself ---


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def resolve(reference: str) -> Any:
    node: Any = DOCUMENT
    for part in reference.removeprefix("#/").split("/"):
        node = node[part]
    return node


def test_every_reference_leads_somewhere_and_every_schema_is_one() -> None:
    assert DOCUMENT["asyncapi"] == "3.0.0"
    for reference in references(DOCUMENT):
        resolve(reference)
    for name, schema in COMPONENTS["schemas"].items():
        Draft7Validator.check_schema({**schema, "title": name})


def test_the_topic_carries_every_type_and_nothing_else() -> None:
    channel = DOCUMENT["channels"]["payments"]
    carried = {resolve(each["$ref"])["name"] for each in channel["messages"].values()}
    assert carried == set(EVENT_TYPES)
    events = {resolve(each["$ref"])["name"]: each["$ref"] for each in channel["messages"].values()}
    payload = COMPONENTS["messages"]["MerchantWebhook"]["payload"]["oneOf"]
    assert {each["$ref"] for each in payload} == {resolve(ref)["payload"]["$ref"] for ref in events.values()}


def test_the_topic_is_the_one_that_is_made() -> None:
    (made,) = topics.load()
    channel = DOCUMENT["channels"]["payments"]
    told = channel["bindings"]["kafka"]
    assert made.name == channel["address"] == told["topic"]
    assert (made.partitions, made.replicas) == (told["partitions"], told["replicas"])
    for key, value in told["topicConfiguration"].items():
        assert made.config[key] == (",".join(value) if isinstance(value, list) else str(value)), key


def test_the_words_are_the_domain_s() -> None:
    schemas = COMPONENTS["schemas"]
    assert set(schemas["Decline"]["properties"]["reason"]["enum"]) == {str(reason) for reason in DeclineReason}
    assert set(schemas["Payment"]["properties"]["status"]["enum"]) == set(PAYMENT_TRANSITIONS)
    assert set(schemas["Dispute"]["properties"]["reason"]["enum"]) == {str(reason) for reason in DisputeReason}
    assert {"new", *schemas["DisputeStatus"]["enum"]} == set(DISPUTE_TRANSITIONS)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"type": "payment.teleported"}, "payment.teleported is not documented"),
        ({"sequence": 0}, "payment.created: /sequence: 0 is less than the minimum of 1"),
        ({"surprise": 1}, "payment.created: /: Additional properties are not allowed ('surprise' was unexpected)"),
        ({"data": {}}, "payment.created: /data: 'payment' is a required property"),
    ],
)
def test_what_is_not_as_documented_is_found(tour: Verdict, change: dict[str, Any], complaint: str) -> None:
    world = next(iter(tour.worlds.values()))
    created = next(
        message.event
        for message in world.hub.topic.by_merchant[world.merchant]
        if message.event["type"] == "payment.created"
    )
    assert list(complaints(dict(created))) == []
    assert list(complaints({**created, **change})) == [complaint]


# --- what is sent ---


def test_every_message_on_the_topic_is_as_documented(tour: Verdict) -> None:
    found: list[str] = []
    types: set[str] = set()
    for world in tour.worlds.values():
        for message in world.hub.topic.by_merchant[world.merchant]:
            found += complaints(message.event)
            types.add(message.event["type"])
            key = COMPONENTS["messageTraits"]["event"]["bindings"]["kafka"]["key"]
            assert validator(key).is_valid(message.key)
            assert message.key == message.event["subject"]
    assert found == []
    assert types == set(EVENT_TYPES), "documented, and never sent on this tour"


def test_every_webhook_is_as_documented(tour: Verdict) -> None:
    headers = validator(COMPONENTS["messages"]["MerchantWebhook"]["headers"])
    found: list[str] = []
    types: set[str] = set()
    for world in tour.worlds.values():
        on_topic = {str(message.event["id"]): message.event for message in world.hub.topic.by_merchant[world.merchant]}
        for received in world.hub.sink.boxes[world.merchant].received:
            found += [f"header {error.message}" for error in headers.iter_errors(dict(received.headers))]
            found += complaints(received.event)
            types.add(received.event["type"])
            assert received.headers["webhook-id"] == received.event["id"]
            assert json.loads(received.body) == on_topic[received.id]
    assert found == []
    assert types == set(EVENT_TYPES), "documented, and never sent on this tour"
