"""Consumers, providers, and what happens when one of them changes."""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contracts.kit.consumer import (
    OPERATIONS,
    Consumer,
    ContractBroken,
    Exchange,
    committed,
    consumers,
    interactions,
    names,
    pact_file,
    play,
    play_all,
)
from contracts.kit.provider import Verdict, verify
from contracts.kit.simulated import Running, simulated
from contracts.kit.tampering import renaming
from gateway.connectors.http import HttpClient
from gateway.connectors.registry import discover

CONSUMERS = consumers()
SLUGS = tuple(CONSUMERS)
EVERY = [
    pytest.param(slug, one, id=f"{slug}: {one.description}")
    for slug, consumer in CONSUMERS.items()
    for one in interactions(consumer)
]


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with simulated(SLUGS) as found:
        yield found


def broken(verdicts: list[Verdict]) -> set[str]:
    return {verdict.interaction for verdict in verdicts if not verdict.ok}


def test_every_connector_has_a_contract() -> None:
    assert set(discover(HttpClient()).slugs) == set(SLUGS)


@pytest.mark.parametrize(("slug", "one"), EVERY)
def test_the_connector_does_what_its_contract_says(slug: str, one: Any, tmp_path: Path) -> None:
    play(CONSUMERS[slug], one, tmp_path)
    written = json.loads(pact_file(slug, tmp_path).read_text("utf-8"))["interactions"]
    assert sorted(each["description"] for each in written) == sorted(names(one))


@pytest.mark.parametrize("slug", SLUGS)
def test_the_committed_pact_is_what_the_connector_needs_today(slug: str, tmp_path: Path) -> None:
    fresh = play_all(CONSUMERS[slug], tmp_path)
    assert fresh.read_bytes() == pact_file(slug).read_bytes(), f"stale: run `payera contracts generate {slug}`"


@pytest.mark.parametrize("slug", SLUGS)
def test_the_simulator_keeps_the_contract(slug: str, running: Running) -> None:
    verdicts = verify(CONSUMERS[slug], running)
    assert [verdict for verdict in verdicts if not verdict.ok] == []
    wanted = [name for one in interactions(CONSUMERS[slug]) for name in names(one)]
    assert sorted(verdict.interaction for verdict in verdicts) == sorted(wanted)


@pytest.mark.parametrize("slug", SLUGS)
def test_every_operation_that_the_connector_declares_is_pinned(slug: str) -> None:
    declared = discover(HttpClient()).get(slug).spec.capabilities
    pinned = {exchange.verb for exchange in CONSUMERS[slug].exchanges}
    assert pinned == declared & {"authorize", "capture", "void", "refund", "read"}
    approved = {one.kind: one.call.get("amount") for one in CONSUMERS[slug].exchanges if not one.read}
    assert "capture" in approved
    if "webhook" in declared:
        assert CONSUMERS[slug].notifications
    for exchange in CONSUMERS[slug].exchanges:
        if not exchange.read:  # every POST bears our operation id as idempotency key
            assert OPERATIONS[exchange.kind] in exchange.ask.headers.values(), exchange.description


def uses(interaction: dict[str, Any], name: str) -> bool:
    """Whether the consumer's side of an interaction has a field of that name in what it gets."""

    def within(value: Any) -> bool:
        if isinstance(value, dict):
            return name in value or any(within(item) for item in value.values())
        return isinstance(value, list) and any(within(item) for item in value)

    told = interaction.get("contents") or interaction["response"].get("body") or {}
    return within(told.get("content"))


RENAMED = {
    "adyen": ["resultCode", "refusalReason", "merchantReference"],
    "checkout": ["action_id", "approved", "reference"],
    "dummypay": ["network_transaction_id", "type", "reference"],
    "stripe": ["latest_charge", "decline_code", "payera_operation"],
}
"""Some fields of each provider's answers and notifications; a new provider's `id` is renamed."""


@pytest.mark.parametrize(("slug", "name"), [(slug, name) for slug in SLUGS for name in RENAMED.get(slug, ["id"])])
def test_a_renamed_field_breaks_exactly_the_interactions_that_use_it(slug: str, name: str) -> None:
    pinned = {one["description"] for one in committed(slug)["interactions"] if uses(one, name)}
    assert pinned, f"no interaction of {slug} uses {name}"
    with simulated([slug], renaming(slug, name)) as changed:
        assert broken(verify(CONSUMERS[slug], changed)) == pinned


def test_a_field_renamed_at_one_provider_leaves_the_others_green() -> None:
    with simulated(SLUGS, renaming("dummypay", "status")) as changed:
        found = {slug: broken(verify(CONSUMERS[slug], changed)) for slug in SLUGS}
    assert {slug for slug, names in found.items() if names} == {"dummypay"}


def first(slug: str, kind: str) -> tuple[Consumer, Exchange]:
    consumer = CONSUMERS[slug]
    return consumer, next(one for one in consumer.exchanges if one.kind == kind and one.outcome["kind"] == "approved")


@pytest.mark.parametrize("slug", SLUGS)
def test_another_request_than_the_contracted_gives_no_pact(slug: str, tmp_path: Path) -> None:
    consumer, one = first(slug, "authorize")
    headers = {**one.ask.headers, "X-Of-Another-Time": "1"}
    changed = dataclasses.replace(one, ask=dataclasses.replace(one.ask, headers=headers))
    with pytest.raises(ContractBroken, match="request differs"):
        play(consumer, changed, tmp_path)
    assert not pact_file(slug, tmp_path).exists()


@pytest.mark.parametrize("slug", SLUGS)
def test_another_outcome_than_the_contracted_gives_no_pact(slug: str, tmp_path: Path) -> None:
    consumer, one = first(slug, "authorize")
    changed = dataclasses.replace(one, outcome={**one.outcome, "amount": one.outcome["amount"] + 1})
    with pytest.raises(ContractBroken, match="in place of"):
        play(consumer, changed, tmp_path)
    assert not pact_file(slug, tmp_path).exists()
