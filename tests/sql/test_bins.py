"""The BIN table in the database: imported in parts, replaced, asked; what the domain reads is what SQL finds."""

import random

import asyncpg
import pytest

from compose import bin_table
from gateway.adapters import postgres
from gateway.domain.bin_table import Issuer, look_up
from tests.parts import Database

TABLE = {
    "4242": Issuer("visa", "US"),
    "424242": Issuer("visa", "DE", "debit", "A bank"),
    "42424242424": Issuer("visa", "FR"),
}


async def test_an_import_is_repeated_without_effect_and_replaces_when_told(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bin_table, "ROWS_PER_CALL", 2)
    steps: list[tuple[int, int]] = []
    done = await bin_table.import_bins(database.system, TABLE, progress=lambda *step: steps.append(step))
    assert (done, steps) == (bin_table.Imported(3, 3, 0, 0), [(2, 3), (3, 3)])
    assert await bin_table.import_bins(database.system, TABLE) == bin_table.Imported(3, 0, 0, 0)
    changed = {"4242": Issuer("visa", "GB"), "555555": Issuer("mastercard", "US"), "5555": Issuer()}
    assert await bin_table.import_bins(database.system, changed) == bin_table.Imported(5, 2, 1, 0)
    assert await bin_table.import_bins(database.system, changed, replace=True) == bin_table.Imported(3, 0, 0, 2)
    bad = {f"60{n:04}": Issuer() for n in range(5)} | {"123": Issuer()}
    with pytest.raises(asyncpg.CheckViolationError):
        await bin_table.import_bins(database.system, bad, replace=True)
    assert await bin_table.import_bins(database.system, changed) == bin_table.Imported(3, 0, 0, 0)  # nothing was done


async def test_the_longest_prefix_wins(database: Database, store: postgres.Database) -> None:
    await bin_table.import_bins(database.system, TABLE, replace=True)
    found = {
        digits: answer and (answer["prefix"], answer["issuer_country"])
        for digits in ("424200", "424242", "42424242", "42424242423", "42424242424", "424142")
        for answer in [await bin_table.look(database.system, digits)]
    }
    assert found == {
        "424200": ("4242", "US"),
        "424242": ("424242", "DE"),
        "42424242": ("424242", "DE"),
        "42424242423": ("424242", "DE"),
        "42424242424": ("42424242424", "FR"),
        "424142": None,
    }
    assert await store.system("bin_look_v1", {"digits": "424242"}) == {
        "digits": "424242",
        "prefix": "424242",
        "brand": "visa",
        "issuer_country": "DE",
        "funding": "debit",
        "issuer": "A bank",
    }


async def test_sql_finds_what_the_domain_finds(database: Database) -> None:
    chance = random.Random(5)
    table = {
        "42" + "".join(chance.choices("0123", k=chance.randint(2, 9))): Issuer(
            "visa", chance.choice(("DE", "FR", "US"))
        )
        for _ in range(400)
    }
    await bin_table.import_bins(database.system, table, replace=True)
    numbers = ["42" + "".join(chance.choices("0123", k=chance.randint(4, 9))) for _ in range(1000)]
    connection = await asyncpg.connect(database.superuser)
    rows = await connection.fetch(
        "select n, (core.bin_find_v1(n)).prefix, (core.bin_find_v1(n)).issuer_country from unnest($1::text[]) as n",
        numbers,
    )
    await connection.close()
    for row in rows:
        found = look_up(table, row["n"])
        assert (row["prefix"], row["issuer_country"]) == (
            (found[0], found[1].issuer_country) if found else (None, None)
        )


async def test_only_an_empty_table_is_seeded(database: Database) -> None:
    await bin_table.import_bins(database.system, TABLE, replace=True)
    assert await bin_table.seed_bins(database.superuser) == 0
    connection = await asyncpg.connect(database.superuser)
    await connection.execute("delete from core.bin")
    await connection.close()
    assert await bin_table.seed_bins(database.superuser) == len(bin_table.read_file(bin_table.TEST_BINS))
    assert await bin_table.seed_bins(database.superuser) == 0
