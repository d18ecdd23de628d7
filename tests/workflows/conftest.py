"""Fixtures for the flows."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.parts import Database, Parts
from tests.workflows.world import World, open_world


@pytest.fixture
async def world(parts: Parts, database: Database, tmp_path: Path) -> AsyncIterator[World]:
    """A gateway without its HTTP door, with a worker."""
    async with open_world(parts, database, tmp_path / "keys") as opened:
        yield opened
