"""A store on the module's database, opened for each test, and a merchant on it."""

from collections.abc import AsyncIterator

import pytest

from gateway.adapters import postgres
from tests.parts import Database
from tests.sql.world import World, new_merchant


@pytest.fixture
async def store(database: Database) -> AsyncIterator[postgres.Database]:
    async with postgres.Database(database.app, database.system) as opened:
        yield opened


@pytest.fixture
async def world(store: postgres.Database) -> World:
    return await new_merchant(store)
