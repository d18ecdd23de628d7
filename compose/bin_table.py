"""Putting a BIN table into the database, and asking it: for the command line, and for environments that begin empty."""

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import asyncpg

from gateway.domain.bin_table import Issuer, read_bin_table

TEST_BINS = Path(__file__).parent / "test_bins.csv"
"""Of the card numbers that PSPs publish for their sandboxes."""

ROWS_PER_CALL = 5_000


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did. `bins`: how many prefixes the table has now."""

    bins: int
    added: int
    changed: int
    removed: int


def read_file(path: Path) -> dict[str, Issuer]:
    """The prefixes of a .csv or .json file. Raises `BadBinTable`, `OSError`, `ValueError` for another kind of file."""
    form = path.suffix.lower().removeprefix(".")
    if form not in ("csv", "json"):
        raise ValueError(f"{path.name}: neither .csv nor .json")
    return read_bin_table(path.read_text(encoding="utf-8-sig"), form=form)


async def import_bins(
    dsn: str,
    table: Mapping[str, Issuer],
    *,
    replace: bool = False,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Imported:
    """Everything or nothing, in one transaction. `replace`: what the file does not hold is removed.

    `dsn`: of payera_relay or of the superuser. Raises what PostgreSQL refuses.
    """
    batch, rows = uuid.uuid4().hex, iter(table.items())
    added = changed = 0
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            done = 0
            while True:
                part = [{"prefix": prefix} | asdict(issuer) for prefix, issuer in islice(rows, ROWS_PER_CALL)]
                done += len(part)
                last = done == len(table)
                p = {"bins": part, "batch": batch, "replace": replace and last}
                answer = json.loads(await connection.fetchval("select sys.bin_import_v1($1::jsonb)", json.dumps(p)))
                added, changed = added + answer["added"], changed + answer["changed"]
                progress(done, len(table))
                if last:
                    return Imported(answer["bins"], added, changed, answer["removed"])
    finally:
        await connection.close()


async def look(dsn: str, digits: str) -> dict[str, Any] | None:
    """What the table says of a number's first digits; None where it says nothing."""
    connection = await asyncpg.connect(dsn)
    try:
        answer = await connection.fetchval("select sys.bin_look_v1($1::jsonb)", json.dumps({"digits": digits}))
    finally:
        await connection.close()
    return None if answer is None else json.loads(answer)


async def seed_bins(dsn: str) -> int:
    """Put the test cards' BINs into a table that is empty; one that somebody filled stays as it is. How many."""
    connection = await asyncpg.connect(dsn)
    try:
        if await connection.fetchval("select exists (select from core.bin)"):
            return 0
    finally:
        await connection.close()
    return (await import_bins(dsn, read_file(TEST_BINS))).added
