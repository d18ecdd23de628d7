"""The step between PostgreSQL and everybody else: the database exists, is migrated, and its logins have passwords.

`python -m compose.embedded.migrate` reads `PAYERA_SUPERUSER_DATABASE`, `PAYERA_APP_PASSWORD`, `PAYERA_RELAY_PASSWORD`:
from the environment, since the arguments of a process are visible to everybody on the machine.
"""

import asyncio
import os
from urllib.parse import urlsplit

import asyncpg

from sql import migrate


async def _create_database(dsn: str) -> None:
    """Create the database named in `dsn` unless it is there."""
    name = urlsplit(dsn).path.lstrip("/")
    connection = await asyncpg.connect(urlsplit(dsn)._replace(path="/postgres").geturl())
    try:
        if not await connection.fetchval("select 1 from pg_database where datname = $1", name):
            await connection.execute(await connection.fetchval("select format('create database %I', $1::text)", name))
    finally:
        await connection.close()


async def _set_password(dsn: str, role: str, password: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        statement = "select format('alter role %I with login password %L', $1::text, $2::text)"
        await connection.execute(await connection.fetchval(statement, role, password))
    finally:
        await connection.close()


def main() -> None:
    dsn = os.environ["PAYERA_SUPERUSER_DATABASE"]
    asyncio.run(_create_database(dsn))
    migrate.apply(dsn)
    for role, variable in (("payera_app", "PAYERA_APP_PASSWORD"), ("payera_relay", "PAYERA_RELAY_PASSWORD")):
        asyncio.run(_set_password(dsn, role, os.environ[variable]))


if __name__ == "__main__":
    main()
