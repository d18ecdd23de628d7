"""Bring a database to the current schema: roles, migrations, functions. `python -m sql.migrate DSN`.

Order: `*_pre_*` migrations, then every function, then `*_post_*` migrations (triggers and grants that name functions).
An applied migration is recorded with its checksum and never runs again; a changed one is refused, because databases
that ran the old text would differ for ever. Functions carry their version in their name: `create or replace` while the
signature stands, a new `_v2` file when it changes.
"""

import argparse
import asyncio
import hashlib
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

HERE = Path(__file__).parent
_LOCK = 7_239_640_101  # any number, the same for every migrator: two at once wait for each other
_NAME = re.compile(r"^\d{4}_(pre|post)_[a-z0-9_]+\.sql$")


class MigrationChanged(Exception):
    """A migration that this database already ran has another text now. Write a new migration instead."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What `apply` did: names of the migrations that ran, and whether the functions were replaced."""

    migrations: list[str] = field(default_factory=list)
    functions: bool = False


async def apply(
    dsn: str,
    *,
    app_password: str | None = None,
    relay_password: str | None = None,
    create_database: bool = True,
) -> Applied:
    """Bring the database of `dsn` (a superuser's) to the current schema; everything or nothing, safe to repeat.

    Passwords are set on the login roles when given (default: PAYERA_APP_PASSWORD, PAYERA_RELAY_PASSWORD); without one a
    role can log in only where pg_hba trusts. Raises `MigrationChanged`, and what PostgreSQL refuses.
    """
    connection = await _connect(dsn, create=create_database)
    try:
        async with connection.transaction():
            await connection.execute("select pg_advisory_xact_lock($1)", _LOCK)
            await _roles(
                connection,
                app_password or os.environ.get("PAYERA_APP_PASSWORD"),
                relay_password or os.environ.get("PAYERA_RELAY_PASSWORD"),
            )
            await _frame(connection)
            return await _migrate(connection)
    finally:
        await connection.close()


async def _connect(dsn: str, *, create: bool) -> "asyncpg.Connection[asyncpg.Record]":
    try:
        return await asyncpg.connect(dsn)
    except asyncpg.InvalidCatalogNameError:
        if not create:
            raise
    parts = urlsplit(dsn)
    admin = await asyncpg.connect(urlunsplit(parts._replace(path="/postgres")))
    try:
        await admin.execute(f"create database {_quoted(parts.path.lstrip('/'))}")
    except asyncpg.DuplicateDatabaseError:
        pass  # somebody else was quicker
    finally:
        await admin.close()
    return await asyncpg.connect(dsn)


async def _roles(connection: "asyncpg.Connection[asyncpg.Record]", app: str | None, relay: str | None) -> None:
    """Roles belong to the cluster, not to the database: made once, kept in shape every time."""
    await connection.execute("select pg_advisory_xact_lock($1)", _LOCK + 1)
    for name, attributes, password in (
        ("payera_owner", "nologin", None),
        ("payera_system", "nologin", None),
        ("payera_app", "login", app),
        ("payera_relay", "login", relay),
    ):
        exists = await connection.fetchval("select true from pg_roles where rolname = $1", name)
        shape = f"{attributes} nosuperuser nobypassrls nocreatedb nocreaterole noreplication"
        if exists and password is None:
            right = await connection.fetchval(
                "select not (rolsuper or rolbypassrls or rolcreatedb or rolcreaterole or rolreplication) "
                "and rolcanlogin = $2 from pg_roles where rolname = $1",
                name,
                attributes == "login",
            )
            if right:
                continue  # unchanged: parallel migrators of other databases do not collide on the role's row
        secret = f" password {await connection.fetchval('select quote_literal($1)', password)}" if password else ""
        await connection.execute(f"{'alter' if exists else 'create'} role {name} {shape}{secret}")


async def _frame(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Schemas with their owners, and the record of migrations; before anything else, and never a migration's matter."""
    await connection.execute(
        """
        create schema if not exists core authorization payera_owner;
        create schema if not exists vault authorization payera_owner;
        create schema if not exists api authorization payera_owner;
        create schema if not exists sys authorization payera_system;
        create table if not exists core.migration (
            name text primary key, checksum text not null, applied_at timestamptz not null default clock_timestamp()
        );
        """
    )


async def _migrate(connection: "asyncpg.Connection[asyncpg.Record]") -> Applied:
    known = {
        row["name"]: row["checksum"] for row in await connection.fetch("select name, checksum from core.migration")
    }
    applied = Applied()
    files = migration_files()
    for phase in ("pre", "functions", "post"):
        if phase == "functions":
            text = "\n".join(path.read_text() for path in function_files())
            if known.get("functions") == _checksum(text):
                continue
            await _functions(connection)
            await _record(connection, "functions", text)
            applied = Applied(applied.migrations, functions=True)
            continue
        for path in (path for path in files if path.name.split("_")[1] == phase):
            text = path.read_text()
            if path.name in known:
                if known[path.name] != _checksum(text):
                    raise MigrationChanged(f"{path.name} was applied with another text: add a new migration instead")
                continue
            await connection.execute(text)
            await _record(connection, path.name, text)
            applied.migrations.append(path.name)
    return applied


async def _functions(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Every function, owned by the role of its schema. Bodies are checked when they run: order does not matter."""
    for path in function_files():
        owner = "payera_system" if path.parent.name == "sys" else "payera_owner"
        try:
            await connection.execute(f"set role {owner}; {path.read_text()}\n; reset role")
        except asyncpg.PostgresError as error:
            error.add_note(f"in {path.relative_to(HERE)}")
            raise


async def _record(connection: "asyncpg.Connection[asyncpg.Record]", name: str, text: str) -> None:
    await connection.execute(
        "insert into core.migration (name, checksum) values ($1, $2) "
        "on conflict (name) do update set checksum = excluded.checksum, applied_at = excluded.applied_at",
        name,
        _checksum(text),
    )


def migration_files() -> list[Path]:
    """All migrations in order. Raises `ValueError` for a name that says no order or phase."""
    files = sorted((HERE / "migrations").glob("*.sql"))
    for path in files:
        if not _NAME.match(path.name):
            raise ValueError(f"{path.name}: name migrations NNNN_(pre|post)_short_name.sql")
    return files


def function_files() -> list[Path]:
    """One function per file: helpers first, then what the roles may call."""
    return [path for schema in ("core", "api", "sys") for path in sorted((HERE / "functions" / schema).glob("*.sql"))]


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _quoted(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def main() -> None:
    """Entry point of `python -m sql.migrate`."""
    parser = argparse.ArgumentParser(prog="python -m sql.migrate", description="Bring a database up to date.")
    parser.add_argument("dsn", help="postgresql://superuser@host:port/database")
    parser.add_argument("--app-password", help="default: PAYERA_APP_PASSWORD")
    parser.add_argument("--relay-password", help="default: PAYERA_RELAY_PASSWORD")
    given = parser.parse_args()
    applied = asyncio.run(apply(given.dsn, app_password=given.app_password, relay_password=given.relay_password))
    names = ", ".join(applied.migrations) or "none"
    print(f"migrations: {names}; functions: {'replaced' if applied.functions else 'as they were'}")  # noqa: T201 - a command's output


if __name__ == "__main__":
    main()
