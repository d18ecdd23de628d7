"""Which steps of an automaton the providers can make (`scenarios/automata.yaml`), and which of them a run has made.

Whoever runs the whole pack is told of every step that was not made, and fails by it.

A cell is (provider, from, to). Each automaton names the evidence of its steps in `SEEN`; another one is added there and
in the file.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path

import yaml

from scenarios.runner.evidence import Evidence, Violation
from scenarios.runner.invariants import disputes
from scenarios.runner.invariants.automata import history
from scenarios.runner.language import Scenario, load_packs

FILE = Path(__file__).parent.parent / "automata.yaml"
Cell = tuple[str, str, str]


def operations(kind: str) -> Callable[[Evidence], Counter[Cell]]:
    """The steps of all operations of a kind, from what was learned of each, in order."""

    def made(evidence: Evidence) -> Counter[Cell]:
        return Counter(
            (operation.provider, before, after)
            for operation in evidence.operations
            if operation.kind == kind
            for before, after in pairwise(history(operation))
        )

    return made


SEEN: dict[str, Callable[[Evidence], Counter[Cell]]] = {
    "disputes": disputes.cells,
    "captures": operations("capture"),
    "voids": operations("void"),
    "refunds": operations("refund"),
}
"""By automaton: how often each of its steps was made in one merchant's evidence."""


CLOSED = frozenset({"disputes"})
"""Automata of which every step must be declared. What an operation goes through depends on when its processes look as
well; INV-08 holds it to its automaton.
"""


def declared(automaton: str, path: Path = FILE) -> frozenset[Cell]:
    """Every step that a provider can make."""
    told = yaml.safe_load(path.read_text("utf-8"))[automaton]
    return frozenset(
        (provider, before, after)
        for provider, steps in told.items()
        for before, following in steps.items()
        for after in following
    )


def pack(path: Path = FILE) -> str:
    """The pack whose scenarios must make them all."""
    return str(yaml.safe_load(path.read_text("utf-8"))["pack"])


def seen(everything: Iterable[Evidence]) -> dict[str, Counter[Cell]]:
    """By automaton, the steps that were made in a run."""
    found: dict[str, Counter[Cell]] = {name: Counter() for name in SEEN}
    for evidence in everything:
        for name, cells in SEEN.items():
            found[name].update(cells(evidence))
    return found


def judge(scenarios: Iterable[Scenario], everything: Iterable[Evidence]) -> tuple[list[str], list[Violation]]:
    """What a run of the whole pack made, a line per automaton, and what it did not make. Nothing for any other run."""
    if not {one.id for one in load_packs([pack()])} <= {one.id for one in scenarios}:
        return [], []
    made = seen(everything)
    lines = [summary(name, made[name]) for name in SEEN]
    missing = [
        Violation("automata", f"{name}: nothing made {provider} go from {before} to {after}")
        for name in SEEN
        for provider, before, after in holes(name, made[name])
    ]
    odd = [
        Violation("automata", f"{name}: {provider} went from {before} to {after}, which is not declared of it")
        for name in sorted(CLOSED)
        for provider, before, after in surprises(name, made[name])
    ]
    return lines, missing + odd


def holes(automaton: str, made: Counter[Cell]) -> list[Cell]:
    """Steps that a provider can make and that the run did not."""
    return sorted(declared(automaton) - made.keys())


def surprises(automaton: str, made: Counter[Cell]) -> list[Cell]:
    """Steps that were made although nobody declared them."""
    return sorted(made.keys() - declared(automaton))


def summary(automaton: str, made: Counter[Cell]) -> str:
    """One line for people, with what is missing."""
    due = declared(automaton)
    missing = ", ".join(f"{provider} {before} → {after}" for provider, before, after in holes(automaton, made))
    line = f"{automaton}: {len(due & made.keys())} of {len(due)} steps of the providers' automata made"
    return f"{line}; not: {missing}" if missing else f"{line}, {sum(made.values())} in all"
