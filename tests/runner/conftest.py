"""A database for one test alone."""

import uuid
from collections.abc import Iterator

import pytest

from tests.conftest import dsn, run_sql
from tests.parts import Database, Parts


@pytest.fixture
def fresh_database(parts: Parts, template: str) -> Iterator[Database]:
    """As `database`, for one test: a bug may be planted in it."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    run_sql(parts, f"create database {name} template {template} strategy file_copy")
    yield Database(name, *(dsn(parts, name, user) for user in ("postgres", "payera_app", "payera_relay")))
    run_sql(parts, f"drop database {name} with (force)")
