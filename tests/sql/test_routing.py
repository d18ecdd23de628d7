"""The routing document in SQL: the same decision as the domain's over random documents, and its life in payments."""

import json
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from gateway.domain.routing import (
    Candidate,
    Fee,
    Route,
    Routing,
    RoutingFacts,
    RoutingRule,
    Tally,
    When,
    choose_route,
    point,
)
from tests.parts import Database
from tests.sql.world import World, approved, at, card

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PROVIDERS = ("adyen", "checkout", "dummypay", "stripe")
DOCUMENTS = 1_000


def rule_json(rule: RoutingRule) -> dict[str, Any]:
    """A rule as the routing document holds it."""
    when: dict[str, Any] = {
        name: list(value)
        for name in ("brand", "bin", "issuer_country", "currency", "method", "mcc")
        if (value := getattr(rule.when, name)) is not None
    }
    amount = {"at_least": rule.when.at_least, "below": rule.when.below}
    if known := {name: value for name, value in amount.items() if value is not None}:
        when["amount"] = known
    if rule.when.metadata:
        when["metadata"] = {key: list(values) for key, values in rule.when.metadata.items()}
    return {
        "id": rule.id,
        "when": when,
        "by": rule.by,
        "providers": list(rule.providers),
        "shares": dict(rule.shares),
        "window_s": rule.window_s,
        "explore_percent": rule.explore_percent,
        "min_attempts": rule.min_attempts,
    }


def some(chance: random.Random, values: tuple[str, ...], likely: float = 0.3) -> tuple[str, ...] | None:
    return tuple(chance.sample(values, chance.randint(1, len(values)))) if chance.random() < likely else None


def a_rule(chance: random.Random, number: int) -> RoutingRule:
    providers = tuple(chance.sample(PROVIDERS, chance.randint(1, 4)))
    cuts = sorted(chance.randint(0, 100) for _ in providers[1:])
    shares = [high - low for low, high in zip([0, *cuts], [*cuts, 100], strict=True)]
    when = When(
        brand=some(chance, ("visa", "mastercard", "amex")),
        bin=some(chance, ("4", "424242", "42", "55")),
        issuer_country=some(chance, ("DE", "FR", "US")),
        currency=some(chance, ("EUR", "USD")),
        at_least=chance.choice((None, None, 1000)),
        below=chance.choice((None, None, 5000)),
        method=some(chance, ("card", "wallet"), 0.1),
        mcc=some(chance, ("5411", "7995"), 0.2),
        metadata={"channel": ("web",)} if chance.random() < 0.2 else {},
    )
    by = chance.choice(("order", "split", "success_rate", "cost"))
    return RoutingRule(
        f"rule{number}", providers, when, by, dict(zip(providers, shares, strict=True)),
        explore_percent=chance.choice((0, 20, 100)), min_attempts=chance.choice((1, 20)),
    )  # fmt: skip


def a_case(number: int) -> tuple[Routing, RoutingFacts, frozenset[str], dict[str, Tally], frozenset[str]]:
    chance = random.Random(number)
    fees = [
        Fee(chance.choice(PROVIDERS), chance.randint(0, 300), chance.randint(0, 50),
            chance.choice((None, "visa")), chance.choice((None, "EUR")))
        for _ in range(chance.randint(0, 5))
    ]  # fmt: skip
    rules = tuple(a_rule(chance, n) for n in range(chance.randint(0, 4)))
    default = tuple(chance.sample(PROVIDERS, chance.randint(1, 4)))
    facts = RoutingFacts(
        f"pay_{number}", chance.choice((999, 1000, 4999, 5000, 123457)), chance.choice(("EUR", "USD")),
        chance.choice(("visa", "mastercard")), chance.choice(("424242", "555555")),
        issuer_country=chance.choice((None, "DE", "US")), mcc=chance.choice((None, "5411")),
        metadata=chance.choice(({}, {"channel": "web"}, {"channel": "pos"})),
    )  # fmt: skip
    known = frozenset(chance.sample(PROVIDERS, chance.randint(1, 4)))
    tallies = {
        name: Tally(attempts := chance.randint(0, 60), chance.randint(0, attempts)) for name in PROVIDERS
    }  # fmt: skip
    circuits = frozenset(name for name in known if chance.random() < 0.2)
    return Routing(default, rules, tuple(fees)), facts, known, tallies, circuits


async def in_sql(connection: Any, number: int) -> Route:
    """The case's decision by the procedure, on rows made for it; rolled back afterwards."""
    routing, facts, known, tallies, circuits = a_case(number)
    await connection.execute("insert into core.merchant values ('mer_1', 'Shop', $1)", NOW)
    for name in known:
        await connection.execute(
            "insert into core.provider_account values ($1, 'mer_1', $2, 'http://x', 'c', 'k', '{}', $3)",
            f"pa_{name}", name, NOW,
        )  # fmt: skip
        tally = tallies[name]
        halves = ((tally.attempts // 2, tally.approved // 2), (-(-tally.attempts // 2), -(-tally.approved // 2)))
        for age_s, (attempts, successes) in zip((60, 3500), halves, strict=True):
            await connection.execute(
                "insert into core.attempt_tally values ('mer_1', $1, $2, $3, $4)",
                f"pa_{name}", NOW - timedelta(seconds=age_s), attempts, successes,
            )  # fmt: skip
        old = NOW - timedelta(hours=1)  # just out of the window
        await connection.execute("insert into core.attempt_tally values ('mer_1', $1, $2, 99, 1)", f"pa_{name}", old)
        until = NOW + timedelta(seconds=1 if name in circuits else 0)
        await connection.execute("insert into core.circuit values ($1, 'mer_1', 5, $2)", f"pa_{name}", until)
    document = {
        "merchant": "mer_1",
        "providers": list(routing.providers),
        "max_fallbacks": 1,
        "updated_at": NOW.isoformat(),
        "rules": [rule_json(rule) for rule in routing.rules],
        "fees": [{name: getattr(fee, name) for name in Fee.__slots__} for fee in routing.fees],
    }
    said = json.loads(
        await connection.fetchval(
            "select core.choose_route_v1('mer_1', jsonb_populate_record(null::core.routing, $1::jsonb), $2::jsonb, $3)",
            json.dumps(document),
            json.dumps({name: getattr(facts, name) for name in RoutingFacts.__slots__}),
            NOW,
        )
    )
    candidates = said["candidates"] or []
    assert (said["route"] or []) == [each["account"] for each in candidates]
    return Route(
        tuple(Candidate(each["provider"], each["rate"], each["fee"], each["circuit_open"]) for each in candidates),
        said["rule"],
        said["by"],
        tuple((rule, condition) for rule, condition in said["passed_over"]),
        said["explored"],
    )


@pytest.fixture
async def connection(database: Database) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    opened = await asyncpg.connect(database.superuser)
    yield opened
    await opened.close()


@pytest.mark.timeout(300)
async def test_sql_and_domain_decide_alike(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    seen: set[tuple[str, bool]] = set()
    for number in range(DOCUMENTS):
        routing, facts, known, tallies, circuits = a_case(number)
        windows = {(name, rule.window_s): tallies[name] for rule in routing.rules for name in known}
        expected = choose_route(routing, facts, known, windows, circuits)
        transaction = connection.transaction()
        await transaction.start()
        assert await in_sql(connection, number) == expected, (number, routing, facts, known, tallies, circuits)
        await transaction.rollback()
        seen.add((expected.by, expected.explored))
    assert seen == {
        ("order", False),
        ("split", False),
        ("cost", False),
        ("success_rate", False),
        ("success_rate", True),
    }


async def test_points_are_the_same_and_evenly_spread(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    ids = [f"pay_{number}" for number in range(2_000)]
    rows = await connection.fetch(
        "select i, core.routing_point_v1(i) as a, core.routing_point_v1(i, 'explore') as b from unnest($1::text[]) i",
        ids,
    )
    assert {(row["i"], row["a"], row["b"]) for row in rows} == {(i, point(i), point(i, "explore")) for i in ids}
    low = sum(point(i) < 3000 for i in ids)
    assert 520 < low < 680  # 30 % of 2,000, within four standard deviations


async def test_a_payment_is_routed_by_where_its_card_comes_from(world: World) -> None:
    """bin_import_v1, routing_set_v1 with rules, routing_simulate_v1, and the route a payment really gets."""
    bins = [
        {"prefix": "4242", "brand": "visa", "issuer_country": "US"},
        {"prefix": "424242", "brand": "visa", "issuer_country": "DE", "funding": "debit", "issuer": "Test bank"},
    ]
    counted = await world.database.system("bin_import_v1", {"bins": bins, "replace": True})
    assert counted == {"bins": 2, "added": 2, "changed": 0, "removed": 0}
    rules = [{"id": "home", "when": {"issuer_country": ["DE"]}, "by": "order", "providers": ["dummypay"]}]
    await world.call("routing_set_v1", providers=["stripe", "dummypay"], max_fallbacks=1, rules=rules, fees=[], at=at())
    said = await world.call(
        "routing_simulate_v1", payment_id="pay_1", amount=1, currency="EUR", brand="visa", bin="424242", at=at()
    )
    assert [each["provider"] for each in said["candidates"]] == ["dummypay", "stripe"]
    assert (said["rule"], said["facts"]["issuer_country"]) == ("home", "DE")
    begun = await world.begin()
    assert begun["dispatch"]["account"]["provider"] == "dummypay"
    begun = await world.begin(card=card(bin="424200"))
    assert begun["dispatch"]["account"]["provider"] == "stripe"


async def test_one_payment_probes_an_open_circuit_after_its_pause(world: World) -> None:
    timeout = {"kind": "unknown", "cause": "timeout"}
    for _ in range(5):
        await world.apply((await world.begin())["dispatch"], timeout, at=at(0))
    asked = [(await world.begin(at=at(age)))["dispatch"]["account"]["provider"] for age in (29, 30, 31, 59)]
    assert asked == ["dummypay", "stripe", "dummypay", "dummypay"]
    probe = await world.begin(at=at(60))
    assert probe["dispatch"]["account"]["provider"] == "stripe"
    await world.apply(probe["dispatch"], approved(), at=at(61))
    assert (await world.begin(at=at(62)))["dispatch"]["account"]["provider"] == "stripe"


async def test_an_attempt_tells_what_the_merchant_traded_in_when_the_payment_began(world: World) -> None:
    """A request that is repeated must be the same, whatever the operator changed in between."""
    change = {"merchant_id": world.merchant, "mcc": "7995"}
    await world.database.system("merchant_update_v1", change)
    begun = await world.begin()
    assert begun["dispatch"]["mcc"] == "7995"
    await world.apply(begun["dispatch"], {"kind": "unknown", "cause": "timeout"})
    await world.database.system("merchant_update_v1", change | {"mcc": None})
    assert (await world.claim(begun["dispatch"]["operation_id"]))["dispatch"]["mcc"] == "7995"
    assert (await world.begin())["dispatch"]["mcc"] is None
