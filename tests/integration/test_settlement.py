"""Reconciliation: what a PSP's settlement file and our ledger do not agree about is found, all of it, and nothing else.

INV-20: twelve discrepancies of six kinds in a day of two thousand payments.
"""

import hashlib
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from gateway.adapters import postgres
from gateway.connectors.registry import settlement_parsers
from gateway.domain.errors import NotFound
from gateway.domain.ids import new_id
from gateway.use_cases.reconcile_settlement import TRIES, Reconciled, reconcile_settlement
from simulators.kit.settlement import exponent, load_fees
from simulators.kit.testing import running
from tests.integration.settlement_world import CURRENCIES, DAY, IDS, TOLERANCE_S, Day, Moved, export, journal, strange
from tests.parts import Database
from tests.sql.world import World, new_merchant

PARSERS = settlement_parsers()
Json = dict[str, Any]


class FixedClock:
    def now(self) -> datetime:
        return DAY + timedelta(days=1)

    def monotonic_s(self) -> float:
        return 0.0


@pytest.fixture
async def store(database: Database) -> AsyncIterator[postgres.Database]:
    async with postgres.Database(database.app, database.system) as opened:
        yield opened


async def reconcile(store: postgres.Database) -> Reconciled:
    done = await reconcile_settlement(store, PARSERS, FixedClock())
    assert done is not None, "no file waits"
    return done


async def submit(world: World, content: str, *, days: int = 1, slug: str | None = None, **fields: Any) -> Json:
    """Hand a file in for `DAY` and the days after it."""
    p: Json = {
        "settlement_id": new_id("stl"),
        "account_id": next(iter(world.accounts.values())) if slug is None else world.accounts[slug],
        "content": content,
        "digest": hashlib.sha256(content.encode()).hexdigest(),
        "period_from": DAY.isoformat(),
        "period_to": (DAY + timedelta(days=days)).isoformat(),
        "tolerance_s": TOLERANCE_S,
        "at": DAY.isoformat(),
    }
    view: Json = await world.call("settlement_submit_v1", **(p | fields))
    return view


async def discrepancies(world: World, settlement_id: str) -> list[Json]:
    """All of them, page by page."""
    found: list[Json] = []
    cursor = None
    while True:
        p: Json = {"settlement_id": settlement_id, "limit": 5} | ({"cursor": cursor} if cursor else {})
        page = await world.call("settlement_discrepancies_v1", **p)
        found += page["data"]
        cursor = page["next_cursor"]
        if cursor is None:
            return found


async def agree_on_fees(world: World, slug: str) -> None:
    """The contract says what the simulator takes."""
    fees = load_fees(_folder(slug))
    table = [
        {"kind": kind, "currency": currency, "basis_points": fee.basis_points, "fixed": fee.of(0, currency)}
        for kind, fee in fees.items()
        for currency in sorted(set(CURRENCIES))
    ]
    view = await world.call("fee_rules_set_v1", account_id=world.accounts[slug], fees=table)
    assert len(view["fees"]) == len(table)


def _folder(slug: str) -> Any:
    from simulators.kit.serving import discover

    return discover()[slug].folder


def plant(day: Day, declined: Moved) -> tuple[list[Moved], Counter[str], set[str]]:
    """The journal with twelve differences: what it holds, the kinds to find, and the operations they are about."""
    moved = list(day.moved())
    charges, captures, refunds = day.of("charge"), day.of("capture"), day.of("refund")
    missing = [charges[3], refunds[1]]
    amounts = [charges[7], refunds[2]]
    currencies = [charges[11], captures[2]]
    twice = [charges[15], refunds[5]]
    changed = {
        id(amounts[0]): replace(amounts[0], amount=amounts[0].amount + 1),
        id(amounts[1]): replace(amounts[1], amount=amounts[1].amount - 1),
        id(currencies[0]): replace(currencies[0], currency="USD"),
        id(currencies[1]): replace(currencies[1], currency="GBP"),
    }
    kept = [changed.get(id(one), one) for one in moved if one not in missing]
    only_there = replace(
        refunds[9],
        parent=charges[20].parent or charges[20].object,
        object=f"{refunds[9].object}Y",
        reference=new_id("ref"),
    )
    kept += [strange(charges[30], 1), strange(refunds[8], 2), *twice, only_there, declined]
    kinds = Counter(
        missing_at_psp=2,
        missing_at_gateway=2,
        amount_mismatch=2,
        currency_mismatch=2,
        duplicate_line=2,
        status_mismatch=2,
    )
    about = {one.reference for one in (*missing, *amounts, *currencies, *twice, declined)}
    return kept, kinds, about


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("slug", "payments"), [("stripe", 2_000), ("adyen", 300), ("checkout", 300), ("dummypay", 300)]
)
async def test_twelve_planted_discrepancies_are_found_and_no_other(
    store: postgres.Database, slug: str, payments: int
) -> None:
    """INV-20."""
    world = await new_merchant(store, (slug,))
    day = Day(world, slug)
    await day.trade(payments)
    await agree_on_fees(world, slug)
    refused = await day.refused()
    declined = Moved("charge", 7_000, "EUR", refused.psp, None, refused.attempt, refused.id, DAY + timedelta(hours=5))
    kept, kinds, about = plant(day, declined)
    async with running(slug) as sims:
        account = await sims.account(slug)
        journal(sims, account, day, kept)
        content = await export(account)
    view = await submit(world, content)
    done = await reconcile(store)
    found = await discrepancies(world, view["id"])
    assert Counter(one["kind"] for one in found) == kinds, found
    assert done.discrepancies == 12
    assert {one["operation"] for one in found} - {None} == about
    assert all(one["payment"] for one in found if one["kind"] != "missing_at_gateway")
    read = await world.call("settlement_get_v1", settlement_id=view["id"])
    assert (read["status"], read["discrepancies"], read["by_kind"]) == ("reconciled", 12, dict(kinds))
    payouts = content.count("MerchantPayout")  # lines of one PSP's files that are about no payment
    assert read["lines"] == len(kept) + payouts


@pytest.mark.parametrize("slug", sorted(IDS))
async def test_a_day_that_agrees_has_no_discrepancy_and_adds_up(store: postgres.Database, slug: str) -> None:
    world = await new_merchant(store, (slug,))
    day = Day(world, slug)
    await day.trade(60)
    await agree_on_fees(world, slug)
    async with running(slug) as sims:
        account = await sims.account(slug)
        journal(sims, account, day, list(day.moved()))
        view = await submit(world, await export(account), period_from=None, period_to=None)
    await reconcile(store)
    read = await world.call("settlement_get_v1", settlement_id=view["id"])
    assert (read["status"], read["discrepancies"]) == ("reconciled", 0), await discrepancies(world, view["id"])
    assert (read["period_from"], read["period_to"]) == ("2026-11-22T00:00:00.000Z", "2026-11-23T00:00:00.000Z")
    assert read["matched"] == len(list(day.moved()))
    fee = load_fees(_folder(slug))["sale"]
    for totals in read["totals"]:
        mine = [one for one in day.moved() if one.currency == totals["currency"]]
        sales = [one.amount for one in mine if one.kind != "refund"]
        assert totals["sales"] == sum(sales)
        assert totals["refunds"] == sum(one.amount for one in mine if one.kind == "refund")
        assert totals["fees"] == sum(fee.of(amount, totals["currency"]) for amount in sales)
        assert totals["net"] == totals["sales"] - totals["refunds"] - totals["fees"]
        assert totals["paid_out"] in (None, totals["net"])
    assert {totals["currency"] for totals in read["totals"]} == set(CURRENCIES)
    assert exponent("JPY") == 0


async def dummypay_day(store: postgres.Database, payments: int = 20) -> tuple[World, Day, list[str]]:
    """A day at dummypay that agrees: the world, the day, the lines of its file."""
    world = await new_merchant(store, ("dummypay",))
    day = Day(world, "dummypay")
    await day.trade(payments)
    async with running("dummypay") as sims:
        account = await sims.account("dummypay")
        journal(sims, account, day, list(day.moved()))
        return world, day, (await export(account)).splitlines(keepends=True)


async def kinds_of(world: World, store: postgres.Database, content: str, **fields: Any) -> list[str]:
    """The kinds that one more file brings."""
    view = await submit(world, content, **fields)
    await reconcile(store)
    return [one["kind"] for one in await discrepancies(world, view["id"])]


async def test_a_line_of_an_earlier_file_is_settled_twice(store: postgres.Database) -> None:
    world, _, lines = await dummypay_day(store)
    assert await kinds_of(world, store, "".join(lines)) == []
    assert await kinds_of(world, store, lines[0] + lines[5]) == ["duplicate_line"]


async def test_the_end_of_a_period_is_judged_by_the_file_of_the_next(store: postgres.Database) -> None:
    """What moved in the last minute of our day may be in the PSP's next day: no alarm, and none is forgotten."""
    world, day, lines = await dummypay_day(store)
    late = await day._one(900, 5_000, DAY + timedelta(days=1) - timedelta(seconds=20))
    lost = await day._one(901, 6_000, DAY + timedelta(days=1) - timedelta(seconds=10))
    assert await kinds_of(world, store, "".join(lines)) == []
    header, row = lines[0].strip().split(","), lines[1].strip().split(",")
    came_late = dict(zip(header, row, strict=True)) | {
        "at": "2026-11-23T00:00:20Z",
        "id": late.psp,
        "reference": late.attempt,
        "currency": "EUR",
        "gross": "5000",
        "fee": "60",
        "net": "4940",
    }
    tomorrow = {
        "period_from": (DAY + timedelta(days=1)).isoformat(),
        "period_to": (DAY + timedelta(days=2)).isoformat(),
    }
    view = await submit(world, lines[0] + ",".join(came_late.values()) + "\n", **tomorrow)
    await reconcile(store)
    found = await discrepancies(world, view["id"])
    assert [(one["kind"], one["operation"]) for one in found] == [("missing_at_psp", lost.attempt)]


@pytest.mark.parametrize(
    ("column", "value", "kind"),
    [
        ("at", "2026-11-25T00:00:00Z", "date_mismatch"),
        ("net", "1", "net_mismatch"),
        ("type", "chargeback", "chargeback"),
        ("type", "chargeback_reversed", "chargeback"),
        ("gross", "1", "amount_mismatch"),
        ("currency", "SEK", "currency_mismatch"),
        ("fee", "1", "fee_mismatch"),
    ],
)
async def test_one_changed_cell_is_one_discrepancy(
    store: postgres.Database, column: str, value: str, kind: str
) -> None:
    world, _, lines = await dummypay_day(store)
    await agree_on_fees(world, "dummypay")
    place = lines[0].strip().split(",").index(column)
    row = lines[1].strip().split(",")
    row[place] = value
    found = await kinds_of(world, store, "".join([lines[0], ",".join(row) + "\n", *lines[2:]]))
    # A chargeback in the place of a sale: the sale itself is missing as well.
    assert found == ([kind, "missing_at_psp"] if column == "type" else [kind])


async def test_a_chargeback_of_which_a_notice_told_is_known(store: postgres.Database) -> None:
    """What the bank took is in the file and in the ledger; what came back, or another amount, is news."""
    world, day, lines = await dummypay_day(store)
    paid = day.paid[0]
    [sold] = paid.moved
    dispute = {
        "id": new_id("dsp"),
        "provider_reference": "dp_1",
        "status": "needs_response",
        "reason": "fraud",
        "moves": 1,
    }
    dispute |= {"amount": sold.amount, "currency": sold.currency, "at": sold.at.isoformat()}
    fact = {"event_id": "x_1", "event_type": "dispute", "operation_id": paid.attempt, "dispute": dispute}
    account, at = world.accounts["dummypay"], sold.at.isoformat()
    await world.call("webhook_receive_v1", account_id=account, facts=[fact], at=at, order_id=new_id("ord"))
    header, row = lines[0].strip().split(","), lines[1].strip().split(",")
    taken = dict(zip(header, row, strict=True)) | {
        "type": "chargeback",
        "id": "dp_1",
        "parent": paid.psp,
        "reference": "",
    }
    assert (taken["currency"], taken["gross"]) == (sold.currency, str(sold.amount))
    file = "".join(lines)
    for change, kinds in (
        ({}, []),
        ({"type": "chargeback_reversed"}, ["chargeback"]),
        ({"gross": str(sold.amount - 1)}, ["chargeback"]),
    ):
        changed = ",".join((taken | change).values()) + "\n"
        found = await kinds_of(world, store, file + changed)
        # A second file says every sale again; what matters is what it says of the bank.
        assert [kind for kind in found if kind != "duplicate_line"] == kinds


async def test_a_truncated_file_lacks_what_was_cut_off(store: postgres.Database) -> None:
    world, _, lines = await dummypay_day(store)
    assert await kinds_of(world, store, "".join(lines[:-3])) == ["missing_at_psp"] * 3


async def test_the_same_file_twice_is_one_settlement(store: postgres.Database) -> None:
    world, _, lines = await dummypay_day(store)
    first, second = await submit(world, "".join(lines)), await submit(world, "".join(lines))
    assert first["id"] == second["id"]
    assert (await reconcile(store)).discrepancies == 0
    assert await reconcile_settlement(store, PARSERS, FixedClock()) is None


async def test_what_cannot_be_read_fails_and_says_where(store: postgres.Database) -> None:
    world, _, lines = await dummypay_day(store)
    view = await submit(world, lines[0] + lines[1].replace("EUR", "EURO"))
    assert (await reconcile(store)).error == "line 2: currency is not a currency of ISO 4217"
    read = await world.call("settlement_get_v1", settlement_id=view["id"])
    assert (read["status"], read["error"]) == ("failed", "line 2: currency is not a currency of ISO 4217")
    assert await discrepancies(world, view["id"]) == []


async def test_a_file_that_ends_its_readers_is_given_up(store: postgres.Database) -> None:
    world, _, lines = await dummypay_day(store)
    view = await submit(world, "".join(lines))
    claim = {"lease_ms": 0, "most": TRIES, "at": DAY.isoformat()}
    for _ in range(TRIES):
        assert (await store.system("settlement_claim_v1", claim))["settlement_id"] == view["id"]
    assert await store.system("settlement_claim_v1", claim) is None
    read = await world.call("settlement_get_v1", settlement_id=view["id"])
    assert (read["status"], read["error"]) == ("failed", "it was tried too often")


async def test_files_belong_to_their_merchant(store: postgres.Database) -> None:
    world, _, lines = await dummypay_day(store)
    other = await new_merchant(store, ("dummypay",))
    view = await submit(world, "".join(lines))
    with pytest.raises(NotFound, match="settlement_not_found"):
        await other.call("settlement_get_v1", settlement_id=view["id"])
    with pytest.raises(NotFound, match="provider_account_not_found"):
        await submit(other, "x", account_id=world.accounts["dummypay"])
    # The same file at another merchant: not one line is known there, and nothing of the first merchant's shows.
    await reconcile(store)
    found = await kinds_of(other, store, "".join(lines))
    assert Counter(found) == Counter(missing_at_gateway=len(lines) - 1)
    assert (await other.call("settlement_list_v1"))["data"][0]["matched"] == 0
