"""The second consumer on a real stream: tallies while payments flow, equal when rebuilt; the commands for people."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from compose.cli import bins, reports
from tests.integration.events_world import Books, open_books, until
from tests.parts import Database, Parts

PAYMENTS = 300


@pytest.fixture
async def books(database: Database, parts: Parts, tmp_path: Path) -> AsyncIterator[Books]:
    async with open_books(database, parts, tmp_path) as opened:
        yield opened


async def invoke(app: Any, *arguments: str) -> Result:
    """A command in a thread of its own: it runs its own event loop."""
    return await asyncio.to_thread(CliRunner().invoke, app, list(arguments))


@pytest.mark.timeout(180)
async def test_what_reporting_counted_equals_what_the_archive_says(books: Books) -> None:
    merchant = await books.merchant()
    (account,) = await books.rows("select id from core.provider_account where merchant = $1", merchant)

    async def counted() -> int:
        tally = "select coalesce(sum(attempts), 0) from core.attempt_tally where account_id = $1"
        return int(await books.value(tally, account["id"]))

    async def all_counted() -> bool:
        return await counted() == PAYMENTS

    async def all_sent() -> bool:
        return await books.lag() == 0

    async with books.running("relay"), books.running("reporting"):
        for _ in range(PAYMENTS // 10):
            await asyncio.gather(*(books.pay(merchant) for _ in range(10)))
        await until(all_counted, 60)
        # A new cluster: everything is sent again, beside what is there.
        await books.store.system("outbox_republish_v1", {"cluster": "another"})
        await until(all_sent, 60)
        said = await invoke(reports.app, "rebuild", "--check", "--dsn", books.dsns.system)
        assert said.exit_code == 0, said.output
        assert said.output.count("equal") == 4
    assert await counted() == PAYMENTS
    await books.admin.execute("delete from core.attempt_tally where account_id = $1", account["id"])
    said = await invoke(reports.app, "rebuild", "--check", "--wait", "0", "--dsn", books.dsns.system)
    assert said.exit_code == 1
    assert "rows differ" in said.output
    assert account["id"] in said.output
    assert "live    not there" in said.output
    said = await invoke(reports.app, "rebuild", "--wait", "0", "--dsn", books.dsns.system)
    assert (said.exit_code, "rebuilt, and in place" in said.output) == (0, True)
    assert await counted() == PAYMENTS
    await books.pay(merchant)
    said = await invoke(reports.app, "rebuild", "--check", "--wait", "0", "--dsn", books.dsns.system)
    assert (said.exit_code, "2 of them not consumed" in said.output) == (1, True)
    said = await invoke(reports.app, "rebuild", "--check", "--env-file", str(books.folder / "none.json"))
    assert said.exit_code == 2


async def test_bins_from_the_command_line(database: Database, tmp_path: Path) -> None:
    at = ("--dsn", database.system)
    file = tmp_path / "bins.csv"
    rows = "".join(f"{prefix},visa,DE\n" for prefix in range(400_000, 406_000))
    file.write_text("prefix,brand,issuer_country\n" + rows)
    said = await invoke(bins.app, "import", str(file), *at)
    assert said.exit_code == 0, said.output
    assert said.output.splitlines()[1:3] == ["  5000 of 6000", "  6000 of 6000"]
    assert "6000 added, 0 changed, 0 removed; the table has 6000" in said.output
    said = await invoke(bins.app, "look", "40123456789", *at)
    assert (said.exit_code, said.output.split()[:6]) == (
        0,
        ["prefix", "401234", "brand", "visa", "issuer_country", "DE"],
    )
    assert (await invoke(bins.app, "look", "550000", *at)).exit_code == bins.NOT_LISTED
    assert (await invoke(bins.app, "look", "4242424242424242", *at)).exit_code == 1
    file.write_text("prefix,brand,issuer_country\n400000,visa,US\n40000,vi5a,US\n400001,visa,USA\n")
    said = await invoke(bins.app, "import", str(file), "--replace", *at)
    assert said.exit_code == 1
    assert "bins.csv line 3: `brand` is not a word such as visa" in said.output
    assert "bins.csv line 4: `issuer_country` is not two letters" in said.output
    file = tmp_path / "bins.json"
    file.write_text('[{"prefix": "400000", "issuer_country": "US"}]')
    said = await invoke(bins.app, "import", str(file), "--replace", *at)
    assert "0 added, 1 changed, 5999 removed; the table has 1" in said.output
    assert (await invoke(bins.app, "import", str(tmp_path / "bins.xml"), *at)).exit_code == 1
