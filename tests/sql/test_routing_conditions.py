"""Every condition of a routing rule, rows where it holds and where it does not, judged by the domain and by SQL."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import asyncpg
import pytest

from gateway.domain.routing import Routing, RoutingFacts, RoutingRule, When, choose_route
from tests.parts import Database

FACTS = RoutingFacts(
    "pay_1", 5000, "EUR", "visa", "424242", issuer_country="DE", mcc="5411", metadata={"channel": "web", "tier": ""}
)


@dataclass(frozen=True)
class Row:
    """A condition as the document says it and as the domain has it; facts that differ from `FACTS`; what fails."""

    said: dict[str, Any]
    when: When
    facts: dict[str, Any]
    fails: str | None


ROWS = {
    "brand": Row({"brand": ["amex", "visa"]}, When(brand=("amex", "visa")), {}, None),
    "brand other": Row({"brand": ["amex"]}, When(brand=("amex",)), {}, "brand"),
    "bin": Row({"bin": ["51", "4242"]}, When(bin=("51", "4242")), {}, None),
    "bin whole": Row({"bin": ["424242"]}, When(bin=("424242",)), {}, None),
    "bin other": Row({"bin": ["424243", "2"]}, When(bin=("424243", "2")), {}, "bin"),
    "bin longer than what is kept": Row({"bin": ["42424242"]}, When(bin=("42424242",)), {}, "bin"),
    "issuer country": Row({"issuer_country": ["FR", "DE"]}, When(issuer_country=("FR", "DE")), {}, None),
    "issuer country other": Row({"issuer_country": ["FR"]}, When(issuer_country=("FR",)), {}, "issuer_country"),
    "issuer country not listed": Row(
        {"issuer_country": ["DE"]}, When(issuer_country=("DE",)), {"issuer_country": None}, "issuer_country"
    ),
    "currency": Row({"currency": ["EUR"]}, When(currency=("EUR",)), {}, None),
    "currency other": Row({"currency": ["USD", "JPY"]}, When(currency=("USD", "JPY")), {}, "currency"),
    "amount at the bound": Row({"amount": {"at_least": 5000}}, When(at_least=5000), {}, None),
    "amount one below": Row({"amount": {"at_least": 5001}}, When(at_least=5001), {}, "amount"),
    "amount below": Row({"amount": {"below": 5001}}, When(below=5001), {}, None),
    "amount not below itself": Row({"amount": {"below": 5000}}, When(below=5000), {}, "amount"),
    "amount between": Row({"amount": {"at_least": 1000, "below": 10_000}}, When(at_least=1000, below=10_000), {}, None),
    "method": Row({"method": ["card"]}, When(method=("card",)), {}, None),
    "method other": Row({"method": ["wallet"]}, When(method=("wallet",)), {}, "method"),
    "mcc": Row({"mcc": ["7995", "5411"]}, When(mcc=("7995", "5411")), {}, None),
    "mcc other": Row({"mcc": ["7995"]}, When(mcc=("7995",)), {}, "mcc"),
    "mcc of a merchant without one": Row({"mcc": ["5411"]}, When(mcc=("5411",)), {"mcc": None}, "mcc"),
    "metadata": Row({"metadata": {"channel": ["pos", "web"]}}, When(metadata={"channel": ("pos", "web")}), {}, None),
    "metadata other": Row({"metadata": {"channel": ["pos"]}}, When(metadata={"channel": ("pos",)}), {}, "metadata"),
    "metadata absent": Row({"metadata": {"shop": ["1"]}}, When(metadata={"shop": ("1",)}), {}, "metadata"),
    "metadata empty text": Row({"metadata": {"tier": [""]}}, When(metadata={"tier": ("",)}), {}, None),
    "metadata, all of them": Row(
        {"metadata": {"channel": ["web"], "tier": ["gold"]}},
        When(metadata={"channel": ("web",), "tier": ("gold",)}),
        {},
        "metadata",
    ),
    "nothing asked": Row({}, When(), {}, None),
    "the first that fails is named": Row(
        {"currency": ["USD"], "brand": ["amex"], "mcc": ["7995"]},
        When(currency=("USD",), brand=("amex",), mcc=("7995",)),
        {},
        "brand",
    ),
}


@pytest.fixture
async def connection(database: Database) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    opened = await asyncpg.connect(database.superuser)
    yield opened
    await opened.close()


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
async def test_condition(row: Row, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    facts = replace(FACTS, **row.facts)
    routing = Routing(("stripe",), (RoutingRule("r", ("stripe",), row.when),))
    route = choose_route(routing, facts, frozenset({"stripe"}), {}, frozenset())
    assert route.passed_over == ((("r", row.fails),) if row.fails else ())
    told = {name: getattr(facts, name) for name in RoutingFacts.__slots__}
    said = await connection.fetchval(
        "select core.routing_fails_v1($1::jsonb, $2::jsonb)", json.dumps(row.said), json.dumps(told)
    )
    assert said == row.fails


def test_every_condition_has_a_row_that_holds_and_one_that_does_not() -> None:
    asked = {(name, row.fails is None) for row in ROWS.values() for name in row.said if row.fails in (None, name)}
    names = {"brand", "bin", "issuer_country", "currency", "amount", "method", "mcc", "metadata"}
    assert asked == {(name, holds) for name in names for holds in (True, False)}
