"""Settlement lines: what a connector makes of its PSP's file, and how a CSV is read without losing a unit of money."""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from gateway.domain.money import EXPONENTS, MAX_AMOUNT

LineKind = Literal["sale", "refund", "chargeback", "chargeback_reversed", "fee", "payout", "other"]


class SettlementUnreadable(Exception):
    """The file is not one of this provider. The message names line and column, never a value."""


@dataclass(frozen=True, slots=True)
class SettlementLine:
    """One movement as the PSP reports it.

    `line` is its place in the file, counted from 1, the header included. `amount` is in minor units without a sign,
    the `kind` says the direction; `fee` is what the PSP kept of it (negative: gave back) and `net` what reaches the
    merchant, signed. `reference` is our operation id where the PSP gives it back, `psp_references` its own ids of what
    moved, `parent_references` ids, ours or the PSP's, of what it moved from. Kinds `fee`, `payout` and `other` belong
    to no operation.
    """

    line: int
    kind: LineKind
    amount: int
    currency: str
    reference: str | None = None
    psp_references: tuple[str, ...] = ()
    parent_references: tuple[str, ...] = ()
    fee: int | None = None
    net: int | None = None
    at: datetime | None = None


SettlementParser = Callable[[str], Iterator[SettlementLine]]
"""Reads the text of a file. Raises `SettlementUnreadable`."""

_DECIMAL = re.compile(r"^(-?)([0-9]{1,15})(?:\.([0-9]{0,12}))?$")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a CSV with a header."""

    line: int
    cells: Mapping[str, str]

    def text(self, column: str) -> str | None:
        """The cell, or None if it is empty or the file has no such column."""
        return self.cells.get(column, "").strip() or None

    def need(self, column: str) -> str:
        """The cell; an empty one is an error."""
        found = self.text(column)
        if found is None:
            raise SettlementUnreadable(f"line {self.line}: {column} is empty")
        return found

    def some(self, *columns: str) -> tuple[str, ...]:
        """The cells of these columns that are not empty."""
        return tuple(found for column in columns if (found := self.text(column)) is not None)

    def currency(self, column: str) -> str:
        """A currency of ISO 4217, in any case."""
        code = self.need(column).upper()
        if code not in EXPONENTS:
            raise SettlementUnreadable(f"line {self.line}: {column} is not a currency of ISO 4217")
        return code

    def minor(self, column: str, currency: str) -> int | None:
        """A decimal figure of main units as signed minor units; None if the cell is empty."""
        text = self.text(column)
        if text is None:
            return None
        read = _DECIMAL.match(text)
        digits = EXPONENTS[currency]
        fraction = (read.group(3) or "") if read is not None else ""
        if read is None or fraction[digits:].strip("0"):
            raise SettlementUnreadable(f"line {self.line}: {column} is not an amount of {currency}")
        units = int(read.group(2) + fraction[:digits].ljust(digits, "0"))
        return self._within(-units if read.group(1) else units, column)

    def units(self, column: str) -> int | None:
        """A whole number of minor units, signed; None if the cell is empty."""
        text = self.text(column)
        if text is None:
            return None
        if re.fullmatch(r"-?[0-9]{1,15}", text) is None:
            raise SettlementUnreadable(f"line {self.line}: {column} is not a whole number")
        return self._within(int(text), column)

    def _within(self, units: int, column: str) -> int:
        if abs(units) > MAX_AMOUNT:
            raise SettlementUnreadable(f"line {self.line}: {column} is out of range")
        return units

    def time(self, column: str) -> datetime | None:
        """A time in ISO 8601, with `T` or a blank; UTC unless it says otherwise. None if the cell is empty."""
        text = self.text(column)
        if text is None:
            return None
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            raise SettlementUnreadable(f"line {self.line}: {column} is not a time") from None
        return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def rows(text: str, required: Sequence[str]) -> Iterator[Row]:
    """The lines of a CSV after its header, which must name the `required` columns. Raises `SettlementUnreadable`."""
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    try:
        header = next(reader, [])
        if missing := [column for column in required if column not in header]:
            raise SettlementUnreadable(f"line 1: there is no column {missing[0]}")
        if len(set(header)) != len(header):
            raise SettlementUnreadable("line 1: a column appears twice")
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(header):
                raise SettlementUnreadable(f"line {reader.line_num}: {len(cells)} cells under {len(header)} columns")
            yield Row(reader.line_num, dict(zip(header, cells, strict=True)))
    except csv.Error as error:
        raise SettlementUnreadable(f"line {reader.line_num}: no CSV: {error}") from None
