"""The schema as a whole: schema.sql, migrations and the domain's automata agree, and migrations stay put."""

import re
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from gateway.domain.dispute import DISPUTE_TRANSITIONS
from gateway.domain.payment import OPERATION_TRANSITIONS, PAYMENT_TRANSITIONS, Transitions
from gateway.domain.resolution import LIVE
from sql import dump, migrate
from tests.parts import Database, Parts

SQL = Path(migrate.__file__).parent


@pytest.fixture
async def empty(parts: Parts) -> AsyncIterator[str]:
    """The address of an empty database."""
    name = f"test_schema_{uuid.uuid4().hex[:8]}"
    admin = await asyncpg.connect(parts.postgres)
    await admin.execute(f"create database {name}")
    yield urlunsplit(urlsplit(parts.postgres)._replace(path=f"/{name}"))
    await admin.execute(f"drop database {name} with (force)")
    await admin.close()


async def test_schema_sql_is_what_the_migrations_make(database: Database, empty: str) -> None:
    migrated = dump.dump(database.superuser)
    assert dump.SCHEMA.read_text() == migrated, "run `python -m sql.dump DSN` and commit sql/schema.sql"
    dump.load(empty)
    assert dump.dump(empty) == migrated


async def test_migrating_again_does_nothing(empty: str) -> None:
    first = await migrate.apply(empty)
    assert first.migrations == [path.name for path in migrate.migration_files() if "_pre_" in path.name] + [
        path.name for path in migrate.migration_files() if "_post_" in path.name
    ]
    assert first.functions
    assert await migrate.apply(empty) == migrate.Applied([], functions=False)


async def test_a_missing_database_is_created(parts: Parts) -> None:
    name = f"test_created_{uuid.uuid4().hex[:8]}"
    address = urlunsplit(urlsplit(parts.postgres)._replace(path=f"/{name}"))
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await migrate.apply(address, create_database=False)
    assert (await migrate.apply(address)).functions
    admin = await asyncpg.connect(parts.postgres)
    await admin.execute(f"drop database {name} with (force)")
    await admin.close()


async def test_a_changed_migration_is_refused(empty: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await migrate.apply(empty)
    (tmp_path / "functions").symlink_to(SQL / "functions")
    (tmp_path / "migrations").mkdir()
    for path in migrate.migration_files():
        (tmp_path / "migrations" / path.name).write_text(path.read_text())
    changed = tmp_path / "migrations" / migrate.migration_files()[1].name
    changed.write_text(changed.read_text() + "-- changed\n")
    monkeypatch.setattr(migrate, "HERE", tmp_path)
    with pytest.raises(migrate.MigrationChanged, match=changed.name):
        await migrate.apply(empty)
    changed.rename(changed.with_name("12_after_lunch.sql"))
    with pytest.raises(ValueError, match="NNNN_"):
        await migrate.apply(empty)


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("payment_transition", PAYMENT_TRANSITIONS),
        ("operation_transition", OPERATION_TRANSITIONS),
        ("dispute_transition", DISPUTE_TRANSITIONS),
    ],
)
async def test_the_automata_agree_with_the_domain(database: Database, table: str, expected: Transitions) -> None:
    connection = await asyncpg.connect(database.superuser)
    rows = await connection.fetch(f"select from_status, to_status, event from core.{table}")
    live = await connection.fetch(
        "select s from unnest($1::text[]) as s where core.is_live_v1(s)", list(OPERATION_TRANSITIONS)
    )
    await connection.close()
    found: dict[str, dict[str, str | None]] = {status: {} for status in expected}
    for row in rows:
        found[row["from_status"]][row["to_status"]] = row["event"]
    assert found == expected
    assert {row["s"] for row in live} == LIVE


def test_one_function_per_file_named_as_the_file() -> None:
    for path in migrate.function_files():
        text = path.read_text()
        schema, name = path.parent.name, path.stem
        assert re.findall(r"create or replace function (\S+?)\(", text) == [f"{schema}.{name}"], path
        assert re.search(r"_v\d+$", name), path
        assert text.startswith("--"), f"{path}: begin with what it is for"
        if schema in ("api", "sys"):
            assert re.search(r"^-- .*\bp: ", text, re.MULTILINE), f"{path}: say the shape of p and of the answer"
            assert "→" in text, path
        assert "now()" not in text, f"{path}: business time is an argument"


def test_every_function_is_called_by_a_test() -> None:
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("*.py"))
    # world.operation() puts these three together.
    tests += "capture_begin_v1 cancel_begin_v1 refund_begin_v1"
    # tests/integration/test_settlement.py and test_api_settlement.py call these by their use cases and by the API.
    tests += "settlement_submit_v1 settlement_claim_v1 settlement_reconcile_v1 settlement_fail_v1 settlement_get_v1"
    tests += "settlement_list_v1 settlement_discrepancies_v1 fee_rules_set_v1 fee_rules_get_v1 daily_totals_v1"
    # tests/integration/test_api_routing.py does so with these.
    tests += "merchant_get_v1 merchant_update_v1 circuit_list_v1 routing_report_v1 reports_rebuild_v1"
    names = [path.stem for path in migrate.function_files() if path.parent.name in ("api", "sys")]
    assert [name for name in names if name not in tests] == []
