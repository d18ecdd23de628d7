"""Bugs that teams have made, planted one at a time: the scenarios named with each fail, and say which invariant broke.

Each bug gets a copy of the code, a database, a topic and a queue of its own; PostgreSQL, Temporal, Kafka and the
simulators are those of the run. The same scenarios pass without a bug.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scenarios.runner.language import Scenario
from scenarios.runner.run import Result, Verdict, run
from scenarios.runner.surroundings import Surroundings
from tests.parts import Database, Parts, Simulators
from tests.runner.planting import (
    REST_AT_MOST_S,
    Bug,
    DoesNotApply,
    bug_of,
    bugs,
    copy_tree,
    house,
    impatient,
    last_words,
    plant,
    scenarios_of,
)

INVARIANTS = {
    "INV-01",
    "INV-02",
    "INV-03",
    "INV-04",
    "INV-05",
    "INV-06",
    "INV-07",
    "INV-08",
    "INV-09",
    "INV-10",
    "INV-11",
    "INV-14",
    "INV-17",
    "RET-06",
}

Opened = Callable[[Bug | None], contextlib.AbstractContextManager[Surroundings]]


@pytest.fixture
def opened(parts: Parts, fresh_database: Database, sims: Simulators, tmp_path: Path) -> Opened:
    """The gateway of a copy, with a bug or without."""

    @contextlib.contextmanager
    def open_(bug: Bug | None) -> Iterator[Surroundings]:
        tree, state = tmp_path / "tree", tmp_path / "state"
        tree.mkdir()
        state.mkdir()
        copy_tree(tree, bug)
        migrate = bug is not None and bug.touches_sql
        with house(tree, state, parts, fresh_database, sims, migrate=migrate) as surroundings:
            try:
                yield surroundings
            except Exception as error:
                error.add_note(last_words(state))
                raise

    return open_


def ignore(what: str, result: Result) -> None:
    """Nobody watches."""


def played(surroundings: Surroundings, scenarios: list[Scenario], rest_s: float) -> Verdict:
    return asyncio.run(run(surroundings, scenarios, seed=1, jobs=4, listener=ignore, rest_s=rest_s))


def said(verdict: Verdict) -> list[str]:
    """Everything that the runner complains about."""
    found = [failure.shown(result.scenario) for result in verdict.results for failure in result.failures]
    return found + [str(violation) for violation in verdict.overall]


@pytest.mark.timeout(240)
def test_without_a_bug_they_pass(opened: Opened) -> None:
    with opened(None) as surroundings:
        verdict = played(surroundings, scenarios_of(*bugs()), rest_s=45)
    assert said(verdict) == []


@pytest.mark.timeout(240)
@pytest.mark.parametrize("bug", bugs(), ids=lambda bug: bug.name)
def test_the_runner_notices(bug: Bug, opened: Opened) -> None:
    with opened(bug) as surroundings:
        verdict = played(surroundings, [impatient(one) for one in scenarios_of(bug)], rest_s=REST_AT_MOST_S)
    assert not verdict.passed, f"nobody notices: {bug.what}"
    named = [text for text in said(verdict) if bug.invariant in text]
    assert named, f"{bug.invariant} is not named by: {said(verdict)}"


def test_every_invariant_has_its_bug() -> None:
    assert {bug.invariant for bug in bugs()} == INVARIANTS
    assert len(bugs()) == len(INVARIANTS)


def test_a_patch_whose_place_is_gone_says_so(tmp_path: Path) -> None:
    (tmp_path / "gateway").mkdir()
    (tmp_path / "gateway" / "code.py").write_text("three = 3\n")
    patch = tmp_path / "old.patch"
    diff = "--- a/gateway/code.py\n+++ b/gateway/code.py\n@@ -1 +1 @@\n-one = 1\n+one = 2\n"
    patch.write_text(f"bug: a number\ninvariant: INV-01\nscenarios: smoke/decline\n\n{diff}")
    with pytest.raises(DoesNotApply, match=r"old\.patch does not apply any more, plant the bug anew"):
        plant(tmp_path, bug_of(patch))
    patch.write_text(patch.read_text().replace("one = ", "three = ").replace("-three = 1", "-three = 3"))
    plant(tmp_path, bug_of(patch))
    assert (tmp_path / "gateway" / "code.py").read_text() == "three = 2\n"
