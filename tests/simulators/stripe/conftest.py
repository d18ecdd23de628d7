"""One simulator per worker, an account per test; each answer of each test is compared with the published file."""

from collections.abc import Iterator

import pytest

from tests.simulators.stripe.conformance import SPEC, listed
from tests.simulators.stripe.inbox import Inbox
from tests.simulators.stripe.simulator import Bench, Shop


@pytest.fixture(scope="session")
def bench() -> Iterator[Bench]:
    running = Bench()
    yield running
    running.close()


@pytest.fixture
def shop(bench: Bench) -> Iterator[Shop]:
    """A fresh account. Afterwards, no answer of the test may differ from the published file in an unlisted way."""
    bench.recorder.answers.clear()
    bench.recorder.broken_on_purpose = False
    one = bench.shop()
    yield one
    one.close()
    if SPEC.exists():
        known = listed()
        unlisted = {str(d): where for d, where in bench.recorder.differences().items() if d not in known}
        assert not unlisted, f"answers differ from the published file: {unlisted}"


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    """A merchant's endpoint that accepts everything."""
    taking = Inbox()
    yield taking
    taking.close()


@pytest.fixture
def other_shop(bench: Bench) -> Iterator[Shop]:
    """A second account of the same simulator."""
    one = bench.shop()
    yield one
    one.close()
