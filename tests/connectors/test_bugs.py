"""The conformance suite is worth something: bugs that cost money are planted, and the check that each names sees it."""

from pathlib import Path
from typing import Any

import pytest

from simulators.kit.testing import Sims
from tests.connectors import test_conformance
from tests.connectors.bugs.planting import Bug, bugs, changed, planted
from tests.connectors.harness import RELEASING, bench

EVERY = [pytest.param(bug, slug, id=f"{bug.name}-{slug}") for bug in bugs() for slug in bug.changes]


async def check(bug: Bug, slug: str, sims: Sims, folder: Path, *, with_bug: bool) -> None:
    """Run the named check on a copy of the connector, as the suite runs it on the connector itself."""
    wanted: dict[str, Any] = {"door": True, "settings": RELEASING.get(slug, {}) if "released" in bug.check else {}}
    with planted(slug, bug.changes[slug] if with_bug else [], folder) as factory:
        async with bench(sims, slug, connector=factory, **wanted) as opened:
            try:
                await getattr(test_conformance, bug.check)(opened, **bug.arguments)
            finally:
                await opened.quiet()


@pytest.mark.parametrize(("bug", "slug"), EVERY)
async def test_a_planted_bug_is_caught_by_the_check_that_is_named(
    bug: Bug, slug: str, simulators: Sims, tmp_path: Path
) -> None:
    await check(bug, slug, simulators, tmp_path, with_bug=False)
    caught = False
    try:
        await check(bug, slug, simulators, tmp_path, with_bug=True)
    except (AssertionError, pytest.fail.Exception):
        caught = True  # and nothing kept of it: a traceback would hold the connections past their loop
    assert caught, f"{bug.check} does not notice that {bug.name}"


def test_every_kind_of_bug_is_planted_in_every_connector_that_is_pinned() -> None:
    """A copy of the reference provider needs no lines of its own: it is that provider until its dialect changes."""
    everywhere = {
        "amount_in_major_units",
        "lost_answer_treated_as_failed",
        "partial_capture_reported_as_full",
        "replay_with_a_new_key",
        "webhook_unverified",
    }
    pinned = {"adyen", "checkout", "dummypay", "stripe"}
    planted_in = {bug.name: set(bug.changes) for bug in bugs() if bug.name in everywhere}
    assert planted_in == dict.fromkeys(everywhere, pinned)


def test_a_bug_whose_place_is_gone_must_be_planted_anew() -> None:
    with pytest.raises(LookupError):
        changed("a = 1\n", "b = 1\n", "b = 2\n")
