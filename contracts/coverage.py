"""docs/coverage.md: provider × operation × class of outcome, with what proves each cell, and the holes.

Proofs are read where they lie: pacts (what connectors declare), recorded cases, conformance checks (by the capabilities
and means that a connector declares), scenarios (by the faults that they set and the steps that they take).
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from contracts.kit.consumer import FOLDER, Consumer, consumers
from gateway.connectors.http import HttpClient
from gateway.connectors.registry import discover
from gateway.use_cases.ports import ConnectorSpec
from scenarios.runner.language import load_packs
from scenarios.runner.matrix import Matrix, filled, matrices

Json = dict[str, Any]
Cell = tuple[str, str]
"""(operation, class)."""
Proofs = dict[Cell, dict[str, set[str]]]
"""Cell → kind of proof → what proves it."""

ROOT = FOLDER.parent
PAGE = ROOT / "docs" / "coverage.md"
OPERATIONS = ("authorize", "capture", "void", "refund")
VERBS = (*OPERATIONS, "read", "webhook")
CLASSES = (
    "approved", "declined", "pending", "action_required", "absent", "not_sent", "rate_limited", "server_error",
    "timeout", "reset", "malformed", "in_progress", "conflict", "forged",
)  # fmt: skip
LETTERS = {"pact": "P", "case": "C", "check": "K", "scenario": "S"}

CHECKS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "test_a_charge_is_authorized_and_captured_at_once": (("authorize",), ("approved",)),
    "test_an_authorization_is_captured_later": (("capture",), ("approved",)),
    "test_a_part_is_captured_and_the_rest_released": (("capture",), ("approved",)),
    "test_an_authorization_is_captured_in_parts": (("capture",), ("approved",)),
    "test_an_authorization_is_voided": (("void",), ("approved",)),
    "test_captured_money_goes_back_in_parts_and_never_more_than_there_was": (("refund",), ("approved", "declined")),
    "test_a_decline_is_a_value": (("authorize",), ("declined",)),
    "test_what_the_psp_decides_later_is_pending_until_it_is_decided": (("authorize", "read"), ("pending",)),
    "test_a_repeated_call_moves_money_once": (OPERATIONS, ("approved",)),
    "test_a_lost_answer_is_unknown_never_failed": (OPERATIONS, ("reset", "timeout")),
    "test_an_unknown_is_resolved_by_replay": (OPERATIONS, ("reset",)),
    "test_an_unknown_is_resolved_by_a_webhook": (("webhook",), ("approved",)),
    "test_after_a_5xx_no_declared_means_moves_money_twice": (OPERATIONS, ("server_error",)),
    "test_an_unknown_is_resolved_by_a_read_of_our_reference": (("read",), ("approved", "absent")),
    "test_an_unknown_is_resolved_by_a_read_of_the_psps_reference": (("read",), ("approved",)),
    "test_a_refused_connection_is_proved_not_sent": (OPERATIONS, ("not_sent",)),
    "test_past_its_fence_not_one_byte_leaves": (OPERATIONS, ("not_sent",)),
    "test_an_answer_that_is_none_is_unknown": (OPERATIONS, ("malformed", "rate_limited")),
    "test_a_notification_names_our_operation_and_only_with_its_signature": (("webhook",), ("approved", "forged")),
    "test_no_card_or_key_shows_in_logs_values_or_errors": ((), ()),
}
"""What each check of tests/connectors/test_conformance.py proves, where the connector declares the operation."""
NEEDS = {
    "test_a_part_is_captured_and_the_rest_released": "partial_capture",
    "test_an_authorization_is_captured_in_parts": "multiple_captures",
    "test_captured_money_goes_back_in_parts_and_never_more_than_there_was": "partial_refund",
}
MEANS = {
    "test_an_unknown_is_resolved_by_replay": "idempotent_replay",
    "test_an_unknown_is_resolved_by_a_webhook": "webhook",
    "test_an_unknown_is_resolved_by_a_read_of_our_reference": "read_by_reference",
    "test_an_unknown_is_resolved_by_a_read_of_the_psps_reference": "read_by_provider_reference",
}
FAULTS = {
    "decline": "declined",
    "pending": "pending",
    "rate_limit": "rate_limited",
    "server_error": "server_error",
    "connection_refused": "not_sent",
    "reset_before_commit": "reset",
    "commit_late": "timeout",
    "truncated_body": "malformed",
    "malformed_body": "malformed",
    "webhook_bad_signature": "forged",
    "webhook_stale": "forged",
}
CANNOT = {
    ("adyen", "conflict"),  # it does not compare the request with the one that had the key before
    ("checkout", "conflict"),  # likewise; what is not there or not allowed is refused
    ("dummypay", "action_required"),  # no 3-D Secure
}
"""(provider, class) that the provider's own dialect has no word for."""
STEPS = {"pay": "authorize", "capture": "capture", "cancel": "void", "refund": "refund"}


def applies(spec: ConnectorSpec, cell: Cell) -> bool:
    """Whether the cell can occur at this provider."""
    operation, outcome = cell
    if operation not in spec.capabilities or ((spec.slug, outcome) in CANNOT and operation != "read"):
        return False
    if operation == "webhook":
        told = {"approved", "declined", "forged"}
        return outcome in told | ({"pending"} if not spec.webhook_is_truth else set())
    if operation == "read":
        return outcome not in {"not_sent", "forged", "action_required", "in_progress", "timeout", "reset"}
    wrong = {"absent", "forged"} | (set() if operation == "authorize" else {"action_required"})
    return outcome not in wrong


def pacts(consumer: Consumer) -> Iterator[tuple[Cell, str]]:
    """What the connector's contract pins."""
    for one in consumer.exchanges:
        yield (one.verb, one.shows), one.description
    for told in consumer.notifications:
        outcomes = [outcome["kind"] for _, _, outcome in told.facts if outcome is not None]
        for outcome in outcomes or [_hinted(told.description)]:
            yield ("webhook", outcome), told.description


def _hinted(description: str) -> str:
    if any(word in description for word in ("failed", "declined", "refused")):
        return "declined"
    return "pending" if any(word in description for word in ("processing", "requires_action")) else "approved"


def cases(slug: str) -> Iterator[tuple[Cell, str]]:
    """The recorded answers and notifications of a provider."""
    document = yaml.safe_load((ROOT / "tests" / "connectors" / "cases" / f"{slug}.yaml").read_text("utf-8"))
    for case in document["cases"]:
        yield ("read" if case.get("read") else case["kind"], _class(case["outcome"])), case["description"]
    for told in document.get("notifications", ()):
        for fact in told.get("facts", ()):
            outcome = fact[4]["kind"] if len(fact) > 4 and fact[4] else "approved"
            yield ("webhook", outcome), told["description"]
    if document["declines"]:
        yield ("authorize", "declined"), f"{len(document['declines'])} decline codes"


def _class(outcome: Json) -> str:
    if outcome["kind"] == "unknown":
        return str(outcome["cause"])
    return str(outcome["kind"])


def checks(spec: ConnectorSpec) -> Iterator[tuple[Cell, str]]:
    """The conformance checks that run for a connector."""
    for name, (operations, outcomes) in CHECKS.items():
        if NEEDS.get(name, "authorize") not in spec.capabilities:
            continue
        means = MEANS.get(name)
        if means is not None and not any(means in declared for declared in spec.resolves.values()):
            continue
        for operation in operations:
            if operation in OPERATIONS and means and means not in spec.resolves.get(_kind(operation), ()):
                continue
            for outcome in outcomes:
                yield (operation, outcome), name.removeprefix("test_")


def _kind(operation: str) -> Any:
    return operation


_TABLE = re.compile(r"^examples:\n.*?(?=^[a-z])", re.MULTILINE | re.DOTALL)


def scenarios() -> Iterator[tuple[str, Cell, str]]:
    """(provider, cell, scenario) of every row of every scenario."""
    slugs = tuple(consumers())
    for path in sorted((ROOT / "scenarios" / "packs").rglob("*.yaml")):
        name = f"{path.parent.name}/{path.stem}"
        text = path.read_text("utf-8")
        raw = yaml.safe_load(text)
        text = _TABLE.sub("", text)  # no row looks at its neighbours
        for row in raw.get("examples") or [{}]:
            filled = yaml.safe_load(_filled(text, row))
            for provider, cell in _shown(filled, slugs):
                yield provider, cell, name


def _filled(text: str, row: Json) -> str:
    """The scenario's text with one row of its examples in it."""
    return re.sub(r"<(\w+)>", lambda found: _plain(row, found[1]), text)


def _plain(row: Json, name: str) -> str:
    value = row.get(name, "")
    return str(value) if isinstance(value, str | int) else yaml.safe_dump(value, default_flow_style=True).strip()


def _shown(scenario: Json, slugs: tuple[str, ...]) -> Iterator[tuple[str, Cell]]:
    given = scenario.get("given") or {}
    route = [slug for slug in given.get("route") or () if slug in slugs]
    faults = [given.get("faults") or {}]
    faults += [step["fault"] for step in scenario["when"] if isinstance(step, dict) and "fault" in step]
    broken: set[str] = set()
    for fault in faults:
        for slug, rules in fault.items():
            for rule in rules if isinstance(rules, list) else [rules]:
                if slug not in slugs or not isinstance(rule, dict):
                    continue
                for outcome in _classes(rule.get("then")):
                    broken.add(slug)
                    wanted = (rule.get("when") or {}).get("operation", "*")
                    kinds = ("webhook",) if outcome == "forged" else OPERATIONS if wanted == "*" else (wanted,)
                    yield from ((slug, (kind, outcome)) for kind in kinds)
    sound = next((slug for slug in route if slug not in broken), None)
    if sound is None or "declined" in str(scenario.get("then", {}).get("p", "")):
        return
    for step in scenario["when"]:
        for word, operation in STEPS.items():
            refused = isinstance(step, dict) and isinstance(step.get(word), dict) and "problem" in step[word]
            if isinstance(step, dict) and word in step and not refused:
                yield sound, (operation, "approved")


def _classes(then: Any) -> Iterator[str]:
    for action in then if isinstance(then, list) else [then]:
        word = action.get("action") if isinstance(action, dict) else action
        if word == "commit_then_lose_response":
            yield "timeout" if isinstance(action, dict) and action.get("lose") == "hang" else "reset"
        elif word in FAULTS:
            yield FAULTS[str(word)]


def proofs() -> dict[str, Proofs]:
    """Everything, by provider."""
    found: dict[str, Proofs] = {}
    specs = discover(HttpClient()).specs
    for slug, consumer in consumers().items():
        table: Proofs = defaultdict(lambda: defaultdict(set))
        for kind, source in (("pact", pacts(consumer)), ("case", cases(slug)), ("check", checks(specs[slug]))):
            for cell, name in source:
                table[cell][kind].add(name)
        found[slug] = table
    for slug, cell, name in scenarios():
        if slug in found:
            found[slug][cell]["scenario"].add(name)
    return found


def page() -> str:
    """The page as Markdown."""
    specs = discover(HttpClient()).specs
    lines = [
        "# Coverage",
        "",
        "Provider × operation × class of outcome, and what proves each cell. Generated by `payera contracts coverage`;",
        "a test fails when it is stale. **P** a pact's interaction, **C** a recorded case, **K** a conformance check,",
        "**S** a scenario, each with how many; **hole**: it may happen and nothing shows it; `·`: it cannot happen.",
        "",
    ]
    details: list[str] = []
    holes: list[str] = []
    for slug, table in proofs().items():
        spec = specs[slug]
        lines += [f"## {spec.title}", "", f"| operation | {' | '.join(CLASSES)} |", f"|---|{'---|' * len(CLASSES)}"]
        for verb in (verb for verb in VERBS if verb in spec.capabilities):
            row = [_cell(spec, table, (verb, outcome)) for outcome in CLASSES]
            lines.append(f"| {verb} | {' | '.join(row)} |")
            holes += [f"{slug} {verb} {name}" for name, cell in zip(CLASSES, row, strict=True) if cell == "**hole**"]
            details += [line for outcome in CLASSES for line in _detail(slug, table, (verb, outcome))]
        lines.append("")
    for told in matrices():
        lines += matrix_lines(told)
    lines += ["## Holes", "", *(f"- {hole}" for hole in holes or ["none"]), ""]
    lines += ["## What proves each cell", "", "| cell | proof | by |", "|---|---|---|", *details, ""]
    return "\n".join(lines)


def matrix_lines(told: Matrix) -> list[str]:
    """A pack's matrix: per row and first provider, how many scenarios there are with each other provider after it."""
    count = filled(told, load_packs([told.pack]))
    done = sum(1 for cell in told.cells if count[cell])
    lines = [
        f"## {told.title}",
        "",
        f"Pack `{told.pack}`: {done} of {len(told.cells)} cells, each a row at an ordered pair of providers (the",
        "first answers so, the second is asked or must not be). Per first provider: how many scenarios with each",
        "other one, in the order of the columns; `·`: the first provider cannot say it (`scenarios/matrix/` says why).",
        "",
        f"| row | {' | '.join(told.providers)} | means |",
        f"|---|{'---|' * (len(told.providers) + 1)}",
    ]
    for row, means in told.rows.items():
        shown = []
        for first in told.providers:
            after = [str(count[row, first, second]) for second in told.providers if second != first]
            shown.append("·" if (row, first) in told.cannot else " ".join(after))
        lines.append(f"| {row} | {' | '.join(shown)} | {means} |")
    return [*lines, ""]


def _cell(spec: ConnectorSpec, table: Proofs, cell: Cell) -> str:
    found = table.get(cell, {})
    if found:
        return " ".join(f"{LETTERS[kind]}{len(found[kind])}" for kind in LETTERS if kind in found)
    return "**hole**" if applies(spec, cell) else "·"


def _detail(slug: str, table: Proofs, cell: Cell) -> Iterator[str]:
    for kind in LETTERS:
        if kind in table.get(cell, {}):
            names = "; ".join(sorted(table[cell][kind])).replace("|", "\\|")
            yield f"| {slug} {cell[0]} {cell[1]} | {kind} | {names} |"


def write(path: Path = PAGE) -> Path:
    """Write the page."""
    path.write_text(page(), "utf-8")
    return path


__all__ = ["CHECKS", "PAGE", "page", "write"]
