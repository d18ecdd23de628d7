"""The coverage page is what the repository proves today."""

import ast
from pathlib import Path

import contracts
from contracts import coverage

ROOT = Path(contracts.__file__).parents[1]


def test_the_page_is_fresh() -> None:
    assert coverage.PAGE.read_text("utf-8") == coverage.page(), "stale: run `payera contracts coverage`"


def test_every_conformance_check_is_known() -> None:
    tree = ast.parse((ROOT / "tests" / "connectors" / "test_conformance.py").read_text("utf-8"))
    found = {node.name for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef)}
    assert {name for name in found if name.startswith("test_")} == set(coverage.CHECKS)
    assert set(coverage.NEEDS) | set(coverage.MEANS) <= set(coverage.CHECKS)


def test_what_moves_money_is_pinned_by_a_pact_and_a_check_everywhere() -> None:
    for slug, table in coverage.proofs().items():
        for operation in coverage.OPERATIONS:
            found = {kind for cell, by in table.items() if cell[0] == operation for kind in by}
            assert {"pact", "check", "case"} <= found, f"{slug} {operation}"


def test_a_scenario_row_counts_for_the_provider_that_it_breaks() -> None:
    text = {
        "given": {"route": ["stripe", "adyen"], "faults": {"stripe": {"when": {"operation": "authorize"}, "then": [
            {"action": "commit_then_lose_response", "lose": "hang"}, "webhook_stale"]}}},
        "when": [{"pay": {}}, {"refund": {"payment": "p", "problem": "x"}}],
    }  # fmt: skip
    assert list(coverage._shown(text, ("stripe", "adyen"))) == [
        ("stripe", ("authorize", "timeout")), ("stripe", ("webhook", "forged")), ("adyen", ("authorize", "approved")),
    ]  # fmt: skip
