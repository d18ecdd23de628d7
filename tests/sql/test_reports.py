"""What reporting keeps of the event stream: archive, attempts, tallies, totals; counted once, the same when rebuilt."""

import json
import random
from collections import Counter
from typing import Any

import asyncpg
import pytest

from gateway.adapters import postgres
from gateway.domain.ids import new_id
from tests.parts import Database
from tests.sql.world import World, approved, at, card, declined, new_merchant

Json = dict[str, Any]
TABLES = ("event_archive", "attempt_fact", "attempt_tally", "daily_total")
REFUSED = {"kind": "not_sent", "cause": "connection_refused"}
TIMEOUT = {"kind": "unknown", "cause": "timeout"}


async def rows(database: Database, query: str, *arguments: object) -> list[Json]:
    connection = await asyncpg.connect(database.superuser)
    try:
        return [dict(row) for row in await connection.fetch(query, *arguments)]
    finally:
        await connection.close()


async def committed(database: Database) -> list[Json]:
    """Every event as published, in the order of commit."""
    return [json.loads(row["event"]) for row in await rows(database, "select event from core.event order by position")]


async def report(store: postgres.Database, events: list[Json]) -> int:
    return int((await store.system("report_events_v1", {"events": events}))["archived"])


async def rebuild(store: postgres.Database, *, check: bool) -> Json:
    answer: Json = await store.system("reports_rebuild_v1", {"check": check})
    return answer


async def some_traffic(world: World, chance: random.Random, payments: int) -> None:
    """Payments of every fate: approved, declined, failed, unknown first, recovered by the fallback, late after all."""
    for count in range(payments):
        number = count + 0.123456  # clocks know microseconds, events tell milliseconds
        p: Json = {"at": at(number), "cascade_until": at(number + 60), "amount": chance.randint(100, 9999)}
        p["card"] = card(fingerprint=f"fp_{count}", brand=chance.choice(("visa", "mastercard")))
        begun = await world.begin(**p)
        fate = chance.choice(("approved", "declined", "recovered", "failed", "unknown", "late"))
        first = begun["dispatch"]
        done = approved(p["amount"])
        match fate:
            case "approved":
                await world.apply(first, done, at=at(number))
            case "declined":
                await world.apply(first, declined("insufficient_funds"), at=at(number))
            case "failed":
                await world.apply(first, REFUSED, at=at(number))
            case "unknown":
                await world.apply(first, TIMEOUT, at=at(number))
                claimed = await world.claim(first["operation_id"], at=at(number + 20))
                await world.apply(claimed["dispatch"], done, at=at(number + 21), source="read")
            case "recovered":
                await world.apply(first, declined(), cascade=True, at=at(number))
                second = await world.attempt(begun["payment"]["id"], at=at(number + 1))
                await world.apply(second["dispatch"], done, at=at(number + 2))
            case "late":
                await world.apply(first, REFUSED, at=at(number))
                await world.apply(first, done, at=at(number + 3), source="webhook")


@pytest.fixture
async def busy(store: postgres.Database) -> World:
    """Three merchants' traffic of 300 payments; the last of them."""
    chance = random.Random(7)
    worlds = [await new_merchant(store) for _ in range(3)]
    for world in worlds:
        await some_traffic(world, chance, 100)
    return worlds[-1]


@pytest.mark.timeout(300)
async def test_live_equals_rebuilt_in_any_order(store: postgres.Database, database: Database, busy: World) -> None:
    """Duplicates, replays and disorder change nothing; a row lost is found; a rebuild brings it back."""
    events = await committed(database)
    chance = random.Random(11)
    consumed = events * 2 + chance.sample(events, 50)
    chance.shuffle(consumed)
    counted = 0
    while consumed:
        batch, consumed = consumed[:97], consumed[97:]
        counted += await report(store, batch)
    assert counted == len(events)
    settled = await rows(
        database,
        "select account_id, date_trunc('minute', settled_at, 'UTC') as bucket, status, surplus from core.operation"
        " where kind = 'authorize' and settled_at is not null",
    )
    attempts = Counter((row["account_id"], row["bucket"]) for row in settled)
    tallies = await rows(database, "select * from core.attempt_tally where attempts <> 0")
    assert {(row["account_id"], row["bucket"]): row["attempts"] for row in tallies} == attempts
    said = await rebuild(store, check=True)
    assert said == {
        "events": len(events),
        "behind": 0,
        "differences": dict.fromkeys(sorted(TABLES), 0),
        "rows": [],
        "replaced": False,
    }
    (lost, *_) = await rows(database, "delete from core.attempt_tally where attempts > 1 returning *")
    await rows(database, "update core.daily_total set count = count + 1 where type = 'payment.captured'")
    said = await rebuild(store, check=True)
    assert said["differences"]["attempt_tally"] > 0
    assert said["differences"]["daily_total"] == 3
    missing = [row for row in said["rows"] if row["table"] == "attempt_tally"]
    assert all(row["live"] is None for row in missing)
    assert [lost["merchant"], lost["account_id"]] in [row["key"][:2] for row in missing]
    assert (await rebuild(store, check=False))["replaced"]
    said = await rebuild(store, check=True)
    assert set(said["differences"].values()) == {0}
    again = await rows(database, "select * from core.attempt_tally where attempts <> 0")
    assert {(row["account_id"], row["bucket"]): row["attempts"] for row in again} == attempts


async def test_what_is_not_consumed_yet_is_behind_and_not_wrong(
    store: postgres.Database, database: Database, world: World
) -> None:
    await rebuild(store, check=False)
    await world.paid()
    said = await rebuild(store, check=True)
    assert (said["behind"], set(said["differences"].values())) == (2, {0})
    said = await rebuild(store, check=False)
    assert (said["behind"], said["replaced"]) == (2, True)
    assert await report(store, (await committed(database))[-2:]) == 0  # the stream brings them later, once too often
    said = await rebuild(store, check=True)
    assert (said["behind"], set(said["differences"].values())) == (0, {0})


async def test_an_archived_event_that_nobody_committed_is_found_and_removed(
    store: postgres.Database, database: Database, world: World
) -> None:
    await world.paid()
    await rebuild(store, check=False)
    forged = (await committed(database))[-1] | {"id": new_id("evt"), "sequence": 99}
    assert await report(store, [forged]) == 1
    said = await rebuild(store, check=True)
    assert said["differences"] == {"attempt_fact": 0, "attempt_tally": 0, "daily_total": 1, "event_archive": 1}
    await rebuild(store, check=False)
    assert set((await rebuild(store, check=True))["differences"].values()) == {0}


def attempt(account: str, **fields: Any) -> Json:
    """An attempt as an event tells of it."""
    base: Json = {"id": new_id("att"), "provider": "stripe", "provider_account": account, "status": "approved"}
    base |= {"unknown": False, "reason": None, "brand": "visa", "bin_prefix": "424242", "amount": 1000}
    return base | {"currency": "EUR", "settled_at": at()} | fields


def told(world: World, *attempts: Json, sequence: int = 2) -> Json:
    """An event that ends a payment's authorization."""
    payment = new_id("pay")
    view = {"id": payment, "currency": "EUR", "amount": 1000}
    event: Json = {"specversion": "1.0", "id": new_id("evt"), "type": "payment.captured", "subject": payment}
    event |= {"time": at(), "merchant": world.merchant, "sequence": sequence}
    return event | {"data": {"payment": view, "attempts": list(attempts)}}


async def ask(world: World, *by: str, **days: str) -> list[Json]:
    days = {"from": "2026-11-22", "to": "2026-11-22"} | days
    data: list[Json] = (await world.call("routing_report_v1", by=list(by), **days))["data"]
    return data


async def some_attempts(store: postgres.Database, world: World) -> None:
    """Seven at stripe today and one the day before, three at dummypay; with fees at both."""
    stripe, dummypay = world.accounts["stripe"], world.accounts["dummypay"]
    fees = [{"kind": "sale", "currency": "EUR", "basis_points": 150, "fixed": 25}]
    await world.call("fee_rules_set_v1", account_id=stripe, fees=fees)
    priced = [{"provider": "dummypay", "brand": "visa", "basis_points": 100, "fixed": 0}]
    await world.call(
        "routing_set_v1", providers=["stripe", "dummypay"], max_fallbacks=1, rules=[], fees=priced, at=at()
    )
    no = {"status": "declined", "reason": "issuer_unavailable"}
    other = {"provider": "dummypay", "provider_account": dummypay}
    day_before = at(-86_400)
    events = [
        told(world, attempt(stripe)),
        told(world, attempt(stripe, unknown=True, amount=3333)),
        told(world, attempt(stripe, **no), attempt(dummypay, **other)),
        told(world, attempt(stripe, **no), attempt(dummypay, **other | no | {"reason": "do_not_honor"})),
        told(world, attempt(stripe, status="not_sent"), attempt(dummypay, **other | {"brand": "amex"})),
        told(world, attempt(stripe, status="absent", unknown=True)),
        told(world, attempt(stripe, currency="USD", amount=700)),
        told(world, attempt(stripe, settled_at=day_before)),
    ]
    assert await report(store, events) == len(events)


async def test_statistics_of_attempts(store: postgres.Database, world: World) -> None:
    """Rates, reasons, fallbacks, unknowns and cost; the numbers are counted by hand."""
    await some_attempts(store, world)
    at_dummypay, at_stripe = await ask(world, "provider")
    assert at_stripe == {
        "group": {"provider": "stripe"},
        "attempts": 7,
        "payments": 7,
        "approved": 3,
        "declined": 2,
        "failed": 2,
        "unknowns": 2,
        "approval_rate": 4285,
        "declines": {"issuer_unavailable": 2},
        "fallbacks": 0,
        "recovered": 0,
        "recovered_share": None,
        "approved_amount": {"EUR": 4333, "USD": 700},
        "cost": {"EUR": 15 + 25 + 50 + 25},
        "unpriced": 1,
    }
    assert at_dummypay == {
        "group": {"provider": "dummypay"},
        "attempts": 3,
        "payments": 3,
        "approved": 2,
        "declined": 1,
        "failed": 0,
        "unknowns": 0,
        "approval_rate": 6666,
        "declines": {"do_not_honor": 1},
        "fallbacks": 3,
        "recovered": 2,
        "recovered_share": 6666,
        "approved_amount": {"EUR": 2000},
        "cost": {"EUR": 10},
        "unpriced": 1,
    }


async def test_statistics_in_groups(store: postgres.Database, world: World) -> None:
    stripe, dummypay = world.accounts["stripe"], world.accounts["dummypay"]
    await some_attempts(store, world)
    groups = [(row["group"], row["attempts"]) for row in await ask(world, "currency", "brand")]
    assert groups == [
        ({"currency": "EUR", "brand": "amex"}, 1),
        ({"currency": "EUR", "brand": "visa"}, 8),
        ({"currency": "USD", "brand": "visa"}, 1),
    ]
    await store.system("bin_import_v1", {"bins": [{"prefix": "4242", "issuer_country": "FR"}], "replace": True})
    days = await ask(world, "day", "issuer_country", "provider_account", **{"from": "2026-11-21"})
    assert [(row["group"], row["attempts"]) for row in days] == [
        ({"day": "2026-11-21", "issuer_country": "FR", "provider_account": stripe}, 1),
        *(
            ({"day": "2026-11-22", "issuer_country": "FR", "provider_account": account}, count)
            for account, count in sorted([(stripe, 7), (dummypay, 3)])
        ),
    ]
    assert await ask(await new_merchant(store), "provider") == []


async def test_an_earlier_event_corrects_a_later_one(
    store: postgres.Database, database: Database, world: World
) -> None:
    """The same attempt in two events: whichever comes first, the lower sequence holds, and the tally follows."""
    account = world.accounts["stripe"]
    refused = attempt(account, status="not_sent", settled_at=at(10))
    first = told(world, refused, sequence=2)
    later = told(world, refused | {"status": "approved", "settled_at": at(130)}, sequence=5) | {
        "subject": first["subject"]
    }
    for order in ((first, later), (later, first), (later, later), (first, later)):
        for event in order:
            await report(store, [event | {"id": new_id("evt")}])
        tally = "select bucket, attempts, approved from core.attempt_tally where account_id = $1 and attempts <> 0"
        expected = (130, 1) if order == (later, later) else (10, 0)
        (row,) = await rows(database, tally, account)
        assert (row["attempts"], row["approved"]) == (1, expected[1])
        assert row["bucket"].minute == expected[0] // 60
        for table in ("attempt_fact", "attempt_tally"):
            await rows(database, f"delete from core.{table} where account_id = $1", account)
    together = [later | {"id": new_id("evt")}, first | {"id": new_id("evt")}]
    await report(store, together)
    (row,) = await rows(database, "select * from core.attempt_fact where account_id = $1", account)
    assert (row["status"], row["sequence"], row["place"]) == ("not_sent", 2, 1)


async def attempts_by_event(database: Database, payment: str) -> list[tuple[str, list[tuple[str, str, str | None]]]]:
    """Per event of the payment: its type, and provider, status and reason of the attempts that it tells of."""
    query = "select event from core.event where payment_id = $1 order by sequence"
    events = [json.loads(row["event"]) for row in await rows(database, query, payment)]
    return [
        (event["type"], [(a["provider"], a["status"], a["reason"]) for a in event["data"].get("attempts", [])])
        for event in events
    ]


async def test_the_event_that_ends_an_authorization_tells_of_its_attempts(
    store: postgres.Database, database: Database, world: World
) -> None:
    begun = await world.begin(card=card(fingerprint=new_id("fp")), capture_method="manual")
    payment = begun["payment"]["id"]
    await world.apply(begun["dispatch"], declined(), cascade=True)
    second = await world.attempt(payment)
    await world.apply(second["dispatch"], approved(captured=False), at=at(6))
    captured = await world.operation("capture", payment)
    await world.apply(captured["dispatch"], approved(captured=True), at=at(11))
    assert await attempts_by_event(database, payment) == [
        ("payment.created", []),
        ("payment.authorized", [("stripe", "declined", "issuer_unavailable"), ("dummypay", "approved", None)]),
        ("payment.captured", []),
    ]
    view = {"id": second["dispatch"]["operation_id"], "provider": "dummypay", "status": "approved", "unknown": False}
    view |= {"provider_account": world.accounts["dummypay"], "reason": None, "brand": "visa", "bin_prefix": "424242"}
    view |= {"amount": 4200, "currency": "EUR", "settled_at": "2026-11-22T12:00:06.000Z"}
    query = "select event -> 'data' -> 'attempts' -> 1 as a from core.event where payment_id = $1 and sequence = 2"
    (row,) = await rows(database, query, payment)
    assert json.loads(row["a"]) == view


async def test_a_cancel_tells_of_attempts_only_where_nothing_was_authorized(database: Database, world: World) -> None:
    begun = await world.begin(card=card(fingerprint=new_id("fp")))
    await world.apply(begun["dispatch"], declined(), cascade=True)
    await world.operation("cancel", begun["payment"]["id"])
    assert (await attempts_by_event(database, begun["payment"]["id"]))[-1] == (
        "payment.canceled",
        [("stripe", "declined", "issuer_unavailable")],
    )
    held = await world.paid(captured=False)
    released = await world.operation("cancel", held)
    await world.apply(released["dispatch"], approved(), at=at(11))
    assert (await attempts_by_event(database, held))[1:] == [
        ("payment.authorized", [("stripe", "approved", None)]),
        ("payment.canceled", []),
    ]
