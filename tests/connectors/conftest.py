"""Fixtures for the conformance suite."""

from collections.abc import AsyncIterator

import pytest

from simulators.kit.testing import Sims, running
from tests.connectors.harness import RELEASING, Bench, bench


@pytest.fixture
async def simulators(slug: str) -> AsyncIterator[Sims]:
    """The simulator of the provider under test, in the test's own loop."""
    async with running(slug) as sims:
        yield sims


@pytest.fixture
async def psp(simulators: Sims, slug: str) -> AsyncIterator[Bench]:
    """The connector under test with a fresh account behind a door of its own."""
    async with bench(simulators, slug, door=True) as opened:
        yield opened


@pytest.fixture
async def releasing(simulators: Sims, slug: str) -> AsyncIterator[Bench]:
    """The same at an account whose provider releases the rest after one capture."""
    async with bench(simulators, slug, settings=RELEASING.get(slug, {})) as opened:
        yield opened
