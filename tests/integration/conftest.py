"""One api with its simulators for all modules that only need a merchant of their own."""

import uuid
from collections.abc import Iterator

import pytest

from tests.conftest import dsn, run_sql
from tests.integration.api_world import Shop, World, running_world
from tests.parts import Database, Parts


@pytest.fixture(scope="session")
def api_database(parts: Parts, template: str) -> Iterator[Database]:
    """The database behind `world`: as `database`, for the whole run of a worker."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    run_sql(parts, f"create database {name} template {template} strategy file_copy")
    yield Database(name, *(dsn(parts, name, user) for user in ("postgres", "payera_app", "payera_relay")))
    run_sql(parts, f"drop database {name} with (force)")


@pytest.fixture(scope="session")
def world(parts: Parts, api_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An api process over real parts, with simulators beside it; no worker."""
    with running_world(parts, api_database, tmp_path_factory.mktemp("api")) as running:
        yield running


@pytest.fixture(scope="module")
def shop(world: World) -> Shop:
    """A merchant of this module, with an account at dummypay."""
    return world.open_shop()
