"""Our events: what consumers need of them, and what the stored procedures write."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contracts.events.bookkeeping import Books
from contracts.events.messages import CONTRACTS, ENDS, STATUS, Contract, play_events
from contracts.events.provider import SECRET, database, delivered, real_events
from contracts.events.shop import Notice, Refused, receive
from contracts.events.verification import verify_events
from contracts.kit.consumer import ContractBroken
from contracts.kit.tampering import renamed
from gateway.domain.events import EVENT_TYPES

Json = dict[str, Any]
REFUNDS = {"refund.created", "refund.succeeded", "refund.failed"}
DISPUTES = {kind for kind in EVENT_TYPES if kind.startswith("dispute.")}
CONSUMERS = pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.consumer)


@pytest.fixture(scope="module")
def events() -> Iterator[dict[str, Json]]:
    with database() as postgres:
        yield real_events(postgres)


@CONSUMERS
def test_the_committed_pact_is_what_the_consumer_needs_today(contract: Contract, tmp_path: Path) -> None:
    fresh = play_events(contract, tmp_path)
    assert fresh.read_bytes() == contract.file.read_bytes(), "stale: run `payera contracts generate events`"


def test_every_event_type_is_pinned_and_written(events: dict[str, Json]) -> None:
    assert tuple(STATUS) == EVENT_TYPES
    assert set(events) == set(EVENT_TYPES)
    for contract in CONTRACTS:
        pinned = json.loads(contract.file.read_text("utf-8"))["interactions"]
        assert {one["description"] for one in pinned} == set(EVENT_TYPES)


@CONSUMERS
def test_the_real_events_keep_the_contract(contract: Contract, events: dict[str, Json]) -> None:
    assert [verdict for verdict in verify_events(contract, events) if not verdict.ok] == []


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("amount_refunded", {"bookkeeping": set(EVENT_TYPES), "shop": set()}),
        ("reference", {"bookkeeping": set(), "shop": set(EVENT_TYPES)}),
        ("advice", {"bookkeeping": set(), "shop": {"payment.declined"}}),
        ("refund", {"bookkeeping": REFUNDS, "shop": REFUNDS}),
        ("dispute", {"bookkeeping": DISPUTES, "shop": DISPUTES}),
        ("amount_withdrawn", {"bookkeeping": DISPUTES, "shop": set()}),
        ("attempts", {"bookkeeping": set(ENDS), "shop": set()}),
    ],
)
def test_a_renamed_field_breaks_exactly_who_needs_it(
    name: str, wanted: dict[str, set[str]], events: dict[str, Json]
) -> None:
    changed = {event_type: renamed(event, name) for event_type, event in events.items()}
    found = {
        contract.consumer: {one.interaction for one in verify_events(contract, changed) if not one.ok}
        for contract in CONTRACTS
    }
    assert found == wanted


def test_the_books_of_the_example_add_up(events: dict[str, Json]) -> None:
    books = Books()
    assert books.take(events["payment.captured"])
    assert books.take(events["refund.succeeded"])
    assert not books.take(events["refund.succeeded"])  # delivered again
    payment = copy.deepcopy(events["refund.created"])
    payment["sequence"] = 1
    assert not books.take(payment)  # overtaken
    assert books.net("EUR") == 4200 - 1200


def test_the_shop_of_the_example_refuses_what_is_not_ours(events: dict[str, Json]) -> None:
    headers, body = delivered(events["payment.declined"])
    told = "insufficient_funds: schedule"
    wanted = Notice(events["payment.declined"]["id"], "order-7", "unpaid", told, None)
    assert receive(SECRET, headers, body) == wanted
    for other in ({**headers, "webhook-id": "evt_1"}, {**headers, "webhook-signature": "v1,AAAA"}):
        with pytest.raises(Refused):
            receive(SECRET, other, body)
    with pytest.raises(Refused):
        receive(SECRET, headers, body + b" ")


def test_a_consumer_that_needs_more_than_it_says_gives_no_pact(tmp_path: Path) -> None:
    [books, _] = CONTRACTS

    def without_sequence(event_type: str) -> Json:
        return {name: value for name, value in books.needs(event_type).items() if name != "sequence"}

    careless = Contract(books.consumer, without_sequence, books.takes, books.metadata)
    with pytest.raises(ContractBroken, match="sequence"):
        play_events(careless, tmp_path, EVENT_TYPES[:1])
