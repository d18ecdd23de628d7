"""The scenario language: from a YAML file to scenarios that make sense, or to errors that say how to mend it.

Two checks, one after the other: the JSON Schema (`scenarios/schema.json`, the one that editors use) for the shape, then
what a schema cannot say: names used before they are given, faults at providers off the route, unknown cards.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from scenarios.runner.complaints import explain, nearest
from scenarios.runner.grammar import in_full, name_of, seconds
from scenarios.runner.sense import sense
from scenarios.runner.source import BadScenario, Document, Problem, read

SCHEMA_PATH = Path(__file__).parent.parent / "schema.json"
PACKS = Path(__file__).parent.parent / "packs"


@dataclass(frozen=True, slots=True)
class Step:
    """One line of `when`: a verb and what it is told. `line` is where it stands in the file."""

    verb: str
    told: dict[str, Any]
    line: int


@dataclass(frozen=True, slots=True)
class Scenario:
    """One runnable scenario: a file, or one row of a file's data table."""

    pack: str
    name: str
    title: str
    path: Path
    proves: tuple[str, ...]
    exclusive: bool
    given: dict[str, Any]
    steps: tuple[Step, ...]
    then: dict[str, Any]
    then_line: int
    cell: tuple[str, str, str] | None = None
    """The cell of the pack's matrix that it fills: row, first provider, second provider (see `matrix`)."""

    @property
    def route(self) -> tuple[str, ...]:
        """Slugs of the providers, in the order in which they are tried."""
        return tuple(self.given["route"])

    @property
    def patience_s(self) -> float:
        """How long its steps are willing to wait in all: who may take longest is started first."""
        return sum(seconds(step.told["within"]) for step in self.steps if "within" in step.told)

    @property
    def id(self) -> str:
        """`pack/file` or `pack/file[row]`, as `payera scenarios run` takes it."""
        return f"{self.pack}/{self.name}"


@cache
def validator() -> Draft202012Validator:
    """The JSON Schema of the language, compiled."""
    return Draft202012Validator(json.loads(SCHEMA_PATH.read_text(encoding="utf-8")))


def load_text(path: Path, text: str, pack: str) -> list[Scenario]:
    """All scenarios of one file. Raises `BadScenario` with every problem found."""
    scenarios: list[Scenario] = []
    problems: list[Problem] = []
    for row, document in read(path, text):
        found = list(_shape(document)) or list(sense(document))
        problems += [problem for problem in found if problem not in problems]
        if not found:
            scenario = _scenario(document, row, pack)
            if any(scenario.id == other.id for other in scenarios):
                what = f"two rows of the examples are called {_label(row)!r}"
                problems.append(Problem(path, 1, what, "Tell them apart by their first two cells, or by a cell name:"))
            scenarios.append(scenario)
    if problems:
        raise BadScenario(problems)
    return scenarios


def load_file(path: Path, pack: str | None = None) -> list[Scenario]:
    """All scenarios of a file; the pack is the folder's name unless told."""
    return load_text(path, path.read_text(encoding="utf-8"), pack or path.parent.name)


def load_packs(names: list[str], folder: Path = PACKS) -> list[Scenario]:
    """Scenarios by pack (`smoke`), file (`smoke/decline`, `smoke/decline[stripe]`) or path; all packs for no names.

    Raises `BadScenario` if any chosen file is wrong or a name names nothing.
    """
    if not names:
        names = sorted(path.name for path in folder.iterdir() if path.is_dir() and any(path.glob("*.yaml")))
    chosen: dict[str, Scenario] = {}
    problems: list[Problem] = []
    for name in names:
        bare = name.split("[")[0]
        files = _files(folder, bare)
        if not files:
            packs = sorted(path.name for path in folder.iterdir() if path.is_dir())
            problems.append(Problem(folder, 1, f"there is no pack, scenario or file {name!r}", nearest(bare, packs)))
        for path in files:
            try:
                found = load_file(path)
            except BadScenario as error:
                problems += [problem for problem in error.problems if problem not in problems]
                continue
            chosen |= {s.id: s for s in found if "[" not in name or s.id == name or s.name == name}
    if problems:
        raise BadScenario(problems)
    return list(chosen.values())


def _files(folder: Path, name: str) -> list[Path]:
    if (folder / name).is_dir():
        return sorted((folder / name).glob("*.yaml"))
    for candidate in (Path(name), folder / f"{name}.yaml"):
        if candidate.suffix in {".yaml", ".yml"} and candidate.is_file():
            return [candidate]
    return []


def _shape(document: Document) -> Iterator[Problem]:
    """What the JSON Schema says, as sentences with line numbers."""
    seen = set()
    for error in sorted(validator().iter_errors(document.value), key=lambda error: list(map(str, error.absolute_path))):
        deepest = _deepest(error)
        for where, what, how in explain(deepest):
            problem = Problem(document.path, document.line(where), what, how)
            if str(problem) not in seen:
                seen.add(str(problem))
                yield problem


def _deepest(error: Any) -> Any:
    """Of a combined error (if/then), the part that names the actual fault."""
    while error.context:
        error = max(error.context, key=lambda part: len(part.absolute_path))
    return error


def _label(row: dict[str, Any]) -> str:
    """What tells a row from its neighbours: its `name`, else its first two cells."""
    cells = [str(cell) for cell in row.values() if not isinstance(cell, dict | list)]
    return re.sub(r"[^\w.]+", "-", str(row.get("name") or "-".join(cells[:2])))


def _scenario(document: Document, row: dict[str, Any], pack: str) -> Scenario:
    value = document.value
    steps = []
    names: set[str] = set()
    for n, step in enumerate(value["when"]):
        [(verb, told)] = step.items()
        told = dict(in_full(verb, told))
        made = name_of(verb, told, names)
        if made:
            told["as"] = made
            names.add(made)
        steps.append(Step(verb, told, document.line(("when", n))))
    suffix = f"[{_label(row)}]" if row else ""
    return Scenario(
        pack=pack,
        name=document.path.stem + suffix,
        title=value["scenario"],
        path=document.path,
        proves=tuple(value.get("proves", ())),
        exclusive=bool(value.get("exclusive")),
        given=value["given"],
        steps=tuple(steps),
        then=value["then"],
        then_line=document.line(("then",)),
        cell=tuple(value["cell"]) if "cell" in value else None,
    )
