"""YAML with line numbers, refused duplicates, and data tables: what is under the language, without its words."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

Where = tuple[str | int, ...]
"""A place inside a document: keys and positions from the root."""

PLACEHOLDER = re.compile(r"<([a-z][a-z0-9_]*)>")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a scenario file: where, what, and how to mend it."""

    path: Path
    line: int
    what: str
    how: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}. {self.how}"


class BadScenario(Exception):
    """A scenario file that cannot be run; `problems` holds everything found, in the order of the lines."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = sorted(problems, key=lambda problem: (str(problem.path), problem.line))
        super().__init__("\n".join(str(problem) for problem in self.problems))


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed document (plain values) and the line on which each of its places begins (1 = first)."""

    path: Path
    value: Any
    lines: dict[Where, int]

    def line(self, where: Where) -> int:
        """The line of a place, or of the nearest enclosing place that has one."""
        while where and where not in self.lines:
            where = where[:-1]
        return self.lines.get(where, 1)


@dataclass(slots=True)
class _Builder:
    """Turns YAML nodes into values while it fills in one row of the data table."""

    path: Path
    loader: yaml.SafeLoader
    row: dict[str, Any]
    lines: dict[Where, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def build(self, node: yaml.Node, where: Where) -> Any:
        line = node.start_mark.line + 1
        self.lines.setdefault(where, line)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, where)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(child, (*where, n)) for n, child in enumerate(node.value)]
        value = self.loader.construct_object(node)
        return self._filled(value, line) if isinstance(value, str) else value

    def _mapping(self, node: yaml.MappingNode, where: Where) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            key = str(self.build(key_node, ("",)))
            if not where and key == "examples":
                continue  # the table itself is read once, by `_examples`; a row does not look at its neighbours
            if key in result:
                self.problems.append(
                    Problem(self.path, line, f"{key!r} stands twice in one mapping", "Keep one of the two")
                )
            self.lines[(*where, key)] = line
            result[key] = self.build(value_node, (*where, key))
        return result

    def _filled(self, text: str, line: int) -> Any:
        whole = PLACEHOLDER.fullmatch(text)
        if whole and whole[1] in self.row:
            return self.row[whole[1]]

        def fill(match: re.Match[str]) -> str:
            name = match[1]
            if name in self.row:
                return str(self.row[name])
            known = ", ".join(self.row) or "none: there is no examples table"
            self.problems.append(
                Problem(self.path, line, f"<{name}> is no column of the examples", f"Columns: {known}")
            )
            return match[0]

        return PLACEHOLDER.sub(fill, text)


def _examples(path: Path, node: yaml.Node, loader: yaml.SafeLoader) -> list[dict[str, Any]]:
    """The rows of the data table, or one empty row. Raises `BadScenario` for anything but a list of mappings."""
    if not isinstance(node, yaml.MappingNode):
        return [{}]
    for key, value in node.value:
        if key.value != "examples":
            continue
        builder = _Builder(path, loader, {})
        rows = builder.build(value, ())
        if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) and row for row in rows):
            raise BadScenario(
                [
                    Problem(
                        path,
                        key.start_mark.line + 1,
                        "examples is not a table",
                        "Write a list with one mapping per row, like - {provider: stripe}",
                    )
                ]
            )
        return rows
    return [{}]


def read(path: Path, text: str) -> list[tuple[dict[str, Any], Document]]:
    """Parse one file; returns one (row, document) for each row of `examples`, or a single one with an empty row.

    In every row `<column>` is replaced by the row's value; where it is the whole value, the value keeps its type.
    Raises `BadScenario` for broken YAML, duplicate keys and unknown columns.
    """
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise BadScenario([Problem(path, line, f"not YAML: {error.problem}", "Mend the syntax")]) from error
    if node is None:
        raise BadScenario([Problem(path, 1, "the file is empty", "Begin with: scenario: what it shows")])
    documents = []
    problems: list[Problem] = []
    try:
        for row in _examples(path, node, loader):
            builder = _Builder(path, loader, row)
            value = builder.build(node, ())
            if isinstance(value, dict):
                value.pop("examples", None)
            problems += [problem for problem in builder.problems if problem not in problems]
            documents.append((row, Document(path, value, builder.lines)))
    finally:
        loader.dispose()
    if problems:
        raise BadScenario(problems)
    return documents
