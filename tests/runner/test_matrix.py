"""Goal: no cell of a pack's matrix is missing, none is claimed that cannot be, and the listing counts them truly."""

from dataclasses import replace

import pytest

from scenarios.report.console import listing
from scenarios.runner import matrix
from scenarios.runner.language import Scenario, load_packs

CASCADING = next(one for one in matrix.matrices() if one.pack == "cascading")


@pytest.fixture(scope="module")
def scenarios() -> list[Scenario]:
    return load_packs(["cascading"])


def test_every_cell_is_filled_and_nothing_else(scenarios: list[Scenario]) -> None:
    count = matrix.filled(CASCADING, scenarios)
    assert [cell for cell in CASCADING.cells if not count[cell]] == []
    assert sorted(set(count) - set(CASCADING.cells)) == []


def test_a_scenario_fills_the_cell_of_its_own_route(scenarios: list[Scenario]) -> None:
    for one in scenarios:
        if one.cell is not None:
            row, first, second = one.cell
            assert one.route[:2] == (first, second), one.id
            assert first in one.given["faults"], one.id
            assert row in CASCADING.rows, one.id


def test_attempts_are_counted_at_the_journals_of_all_psps(scenarios: list[Scenario]) -> None:
    """RET-01: every scenario of the matrix says what each PSP's journal holds."""
    for one in scenarios:
        if one.cell is not None:
            assert set(one.then["journal"]) == set(one.route), one.id


def test_the_size_of_the_matrix() -> None:
    rows, cannot = len(CASCADING.rows), len(CASCADING.cannot)
    assert len(CASCADING.cells) == rows * 12 - cannot * 3
    assert (rows, cannot, len(CASCADING.cells)) == (44, 10, 498)
    for (row, provider), why in CASCADING.cannot.items():
        assert provider in CASCADING.providers, row
        assert len(why) > 10, row


def test_the_listing_counts_the_cells(scenarios: list[Scenario]) -> None:
    assert listing(scenarios)[-1].startswith("cascading: 498 of 498 cells of its matrix (44 rows × ")
    fewer = [one for one in scenarios if one.cell != CASCADING.cells[0]]
    assert listing(fewer)[-1].startswith("cascading: 497 of 498 cells")
    elsewhere = [replace(one, pack="smoke") for one in scenarios]
    assert "cells of its matrix" not in listing(elsewhere)[-1]
