"""Card names to published test numbers, one data file per provider dialect (`scenarios/cards/<slug>.yaml`)."""

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import yaml

FOLDER = Path(__file__).parent.parent / "cards"
REFERENCE_DIALECT = "dummypay"
"""Whose cards a provider without a file of its own has: a new provider is a copy of the reference one."""


@dataclass(frozen=True, slots=True)
class TestCard:
    """A published test card. The number stays out of `repr`, so that no report or traceback prints it."""

    __test__ = False  # the name begins with Test, but this is no test class

    name: str
    number: str = field(repr=False)
    cvc: str = field(repr=False)
    holder_name: str | None = None

    def body(self, *, holder_name: str, cvc: bool = True) -> dict[str, object]:
        """The card as the gateway's API takes it. A name that the card brings replaces `holder_name`."""
        card: dict[str, object] = {
            "number": self.number,
            "exp_month": 12,
            "exp_year": 2031,
            "holder_name": self.holder_name or holder_name,
        }
        return card | {"cvc": self.cvc} if cvc else card


@cache
def dialect(provider: str) -> dict[str, TestCard]:
    """All cards of one provider by name."""
    path = FOLDER / f"{provider}.yaml"
    if not path.exists():
        path = FOLDER / f"{REFERENCE_DIALECT}.yaml"
    rows = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {name: TestCard(name, row["number"], row["cvc"], row.get("holder")) for name, row in rows.items()}


def find(provider: str, name: str) -> TestCard:
    """The card `name` in the dialect of `provider`. Raises `KeyError` if that provider has no such card."""
    return dialect(provider)[name]
