"""One simulator per worker, an account per test; each answer and notification of each test is compared with the
published files. An account notifies an endpoint that nobody serves, unless the test names one."""

from collections.abc import Iterator

import pytest

from tests.simulators.adyen.conformance import CHECKOUT, listed
from tests.simulators.adyen.simulator import NOBODY, Bench, Shop
from tests.simulators.stripe.inbox import Inbox


@pytest.fixture(scope="session")
def bench() -> Iterator[Bench]:
    running = Bench()
    yield running
    running.close()


@pytest.fixture
def shop(bench: Bench) -> Iterator[Shop]:
    """A fresh account. Afterwards, nothing that the test saw may differ from the published files in an unlisted way."""
    bench.recorder.answers.clear()
    bench.recorder.broken_on_purpose = False
    one = bench.shop()
    one.listen(NOBODY)
    yield one
    found = {**bench.recorder.differences(), **one.differences()} if CHECKOUT.exists() else {}
    one.close()
    known = listed()
    unlisted = {str(difference): where for difference, where in found.items() if difference not in known}
    assert not unlisted, f"not as published: {unlisted}"


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
