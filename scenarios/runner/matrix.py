"""The matrix of a pack: which cells its scenarios must fill (`scenarios/matrix/<pack>.yaml`), and which they do.

A cell is (row, first provider, second provider). A row that a provider's dialect cannot express is declared so, with
the reason, and is then no cell.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

import yaml

from scenarios.runner.language import Scenario

FOLDER = Path(__file__).parent.parent / "matrix"
Cell = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Matrix:
    """One pack's matrix. `rows`: what each row means; `cannot`: (row, first provider) → why it cannot be."""

    pack: str
    title: str
    providers: tuple[str, ...]
    rows: dict[str, str]
    cannot: dict[tuple[str, str], str]

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Every cell that must be filled, row by row."""
        pairs = tuple(permutations(self.providers, 2))
        return tuple((row, a, b) for row in self.rows for a, b in pairs if (row, a) not in self.cannot)


def matrices(folder: Path = FOLDER) -> tuple[Matrix, ...]:
    """All of them, by pack."""
    found = []
    for path in sorted(folder.glob("*.yaml")):
        told = yaml.safe_load(path.read_text("utf-8"))
        cannot = {
            (row, provider): str(why)
            for row, entry in told["rows"].items()
            for provider, why in entry.get("cannot", {}).items()
        }
        rows = {row: str(entry["means"]) for row, entry in told["rows"].items()}
        found.append(Matrix(path.stem, told["title"], tuple(told["providers"]), rows, cannot))
    return tuple(found)


def filled(matrix: Matrix, scenarios: Iterable[Scenario]) -> Counter[Cell]:
    """How many scenarios of the pack fill each cell that they name."""
    return Counter(one.cell for one in scenarios if one.pack == matrix.pack and one.cell is not None)


def summary(matrix: Matrix, scenarios: Iterable[Scenario]) -> str:
    """One line for people: cells filled and due, and how they come about."""
    count = filled(matrix, scenarios)
    done = sum(1 for cell in matrix.cells if count[cell])
    return (
        f"{matrix.pack}: {done} of {len(matrix.cells)} cells of its matrix"
        f" ({len(matrix.rows)} rows × ordered pairs of {len(matrix.providers)} providers,"
        f" {len(matrix.cannot)} times a provider that cannot be first)"
    )
