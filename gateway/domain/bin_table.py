"""The BIN table: which digits of a card number belong to which issuer, and how a file of such rows is read.

A row covers a prefix of 4 to 11 digits, or a range `low`..`high` of numbers of one length, both ends included. Where
rows lie within each other the narrower one holds. In the database a range becomes the fewest prefixes that cover it,
and the longest prefix of a number wins, which comes to the same.
"""

import csv
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

SHORTEST, LONGEST = 4, 11
"""Digits. Eleven tell an issuer's account ranges apart and leave a number of 16 digits five to hide."""

COLUMNS = ("prefix", "low", "high", "brand", "issuer_country", "funding", "issuer")
FUNDINGS = ("credit", "debit", "prepaid")
_DIGITS = re.compile(rf"[0-9]{{{SHORTEST},{LONGEST}}}", re.ASCII)
_BRAND = re.compile(r"[a-z_]{2,20}", re.ASCII)
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)
_ISSUER_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Issuer:
    """What is known of the cards that begin so. `funding`: credit, debit or prepaid. None: not known."""

    brand: str | None = None
    issuer_country: str | None = None
    funding: str | None = None
    issuer: str | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """A line of the file that cannot be taken, and why; it never shows the digits, which could be a whole number."""

    line: int
    what: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.what}"


class BadBinTable(Exception):
    """A file that was not taken. `faults`: every line that has something wrong."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        super().__init__("; ".join(map(str, faults)))


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    low: str
    high: str
    issuer: Issuer

    @property
    def whole(self) -> tuple[int, int]:
        """The range in numbers of `LONGEST` digits, both ends included."""
        return int(self.low.ljust(LONGEST, "0")), int(self.high.ljust(LONGEST, "9"))


def read_bin_table(text: str, *, form: str) -> dict[str, Issuer]:
    """The prefixes of a file, `form` "csv" (with a header) or "json" (a list of objects). Raises `BadBinTable`."""
    faults: list[Fault] = []
    rows: list[_Row] = []
    for line, cells in _csv(text) if form == "csv" else _json(text):
        try:
            rows.append(_row(line, cells))
        except ValueError as error:
            faults.append(Fault(line, str(error)))
    if not rows and not faults:
        faults.append(Fault(1, "the file has no rows"))
    faults += _clashes(rows)
    if faults:
        raise BadBinTable(sorted(faults, key=lambda fault: fault.line))
    table: dict[str, Issuer] = {}
    # The widest first: where a narrower row within it needs the same prefix, its word holds.
    for row in sorted(rows, key=lambda row: row.whole[0] - row.whole[1]):
        for prefix in cover(row.low, row.high):
            table[prefix] = row.issuer
    return table


def cover(low: str, high: str) -> Iterator[str]:
    """The fewest prefixes, of `SHORTEST` digits at least, that cover the numbers from `low` to `high`."""
    at, end = int(low), int(high)
    while at <= end:
        dropped = 0
        while dropped < len(low) - SHORTEST and at % 10 ** (dropped + 1) == 0 and at + 10 ** (dropped + 1) - 1 <= end:
            dropped += 1
        yield str(at).zfill(len(low))[: len(low) - dropped]
        at += 10**dropped


def look_up(table: Mapping[str, Issuer], digits: str) -> tuple[str, Issuer] | None:
    """The longest prefix of `digits` in the table with what it says; None if there is none."""
    for length in range(min(len(digits), LONGEST), SHORTEST - 1, -1):
        found = table.get(digits[:length])
        if found is not None:
            return digits[:length], found
    return None


def _csv(text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    reader = csv.DictReader(text.splitlines(), strict=True)
    try:
        header = [name.strip() for name in reader.fieldnames or ()]
        if strange := [name for name in header if name not in COLUMNS]:
            raise BadBinTable([Fault(1, f"unknown column {strange[0]!r}; known: {', '.join(COLUMNS)}")])
        if "prefix" not in header and not {"low", "high"} <= set(header):
            raise BadBinTable([Fault(1, "the header names neither `prefix` nor `low` and `high`")])
        reader.fieldnames = header
        for cells in reader:
            if not any(cells.values()):
                continue
            if None in cells or None in cells.values():
                cells = {"": "has more or fewer cells than the header"}
            yield reader.line_num, cells
    except csv.Error as error:
        raise BadBinTable([Fault(reader.line_num, str(error))]) from None


def _json(text: str) -> Iterator[tuple[int, Any]]:
    """The entries of a JSON list, each with the line where it begins."""
    decoder, space = json.JSONDecoder(), re.compile(r"[\s,]*")
    at = len(text) - len(text.lstrip())
    if not text[at:].startswith("["):
        raise BadBinTable([Fault(1, "not a JSON list of objects")])
    at += 1
    while True:
        skipped = space.match(text, at)
        at = skipped.end() if skipped else at
        line = text.count("\n", 0, at) + 1
        if text[at : at + 1] == "]":
            if text[at + 1 :].strip():
                raise BadBinTable([Fault(line, "something follows the list")])
            return
        try:
            entry, at = decoder.raw_decode(text, at)
        except json.JSONDecodeError as error:
            raise BadBinTable([Fault(error.lineno, f"not JSON: {error.msg}")]) from None
        yield line, entry


def _row(line: int, cells: Any) -> _Row:
    """One row. Raises `ValueError` with what is wrong."""
    if not isinstance(cells, dict):
        raise ValueError("not an object")  # noqa: TRY004 - a mistake in the file like the others
    if "" in cells:
        raise ValueError(cells[""])
    if strange := sorted(set(cells) - set(COLUMNS)):
        raise ValueError(f"unknown field {strange[0]!r}; known: {', '.join(COLUMNS)}")
    values = {name: _text(name, value) for name, value in cells.items()}
    prefix, low, high = (values.get(name) for name in ("prefix", "low", "high"))
    if prefix is not None and (low is not None or high is not None):
        raise ValueError("give either a prefix or a range, not both")
    low, high = (prefix, prefix) if prefix is not None else (low, high)
    if low is None or high is None:
        raise ValueError("no prefix, and no range from `low` to `high`")
    if not _DIGITS.fullmatch(low) or not _DIGITS.fullmatch(high):
        raise ValueError(f"a prefix or bound is not {SHORTEST} to {LONGEST} digits")
    if len(low) != len(high):
        raise ValueError("`low` and `high` have different lengths")
    if low > high:
        raise ValueError("`low` is above `high`")
    return _Row(line, low, high, _issuer(values))


def _text(name: str, value: Any) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise ValueError(f"`{name}` is not a text: quote it")  # noqa: TRY004 - a mistake in the file like the others
    return value.strip() or None


def _issuer(values: Mapping[str, str | None]) -> Issuer:
    brand, country, funding, issuer = (values.get(name) for name in COLUMNS[3:])
    brand, funding = brand and brand.lower(), funding and funding.lower()
    country = country and country.upper()
    if brand is not None and not _BRAND.fullmatch(brand):
        raise ValueError("`brand` is not a word such as visa")
    if country is not None and not _COUNTRY.fullmatch(country):
        raise ValueError("`issuer_country` is not two letters of ISO 3166-1")
    if funding is not None and funding not in FUNDINGS:
        raise ValueError(f"`funding` is none of {', '.join(FUNDINGS)}")
    if issuer is not None and (len(issuer) > _ISSUER_LONGEST or not issuer.isprintable()):
        raise ValueError(f"`issuer` is longer than {_ISSUER_LONGEST} characters, or no printable text")
    return Issuer(brand, country, funding, issuer)


def _clashes(rows: list[_Row]) -> Iterator[Fault]:
    """Rows that say different things about the same numbers, neither of them lying within the other."""
    around: list[_Row] = []
    for row in sorted(rows, key=lambda row: (row.whole[0], -row.whole[1], row.line)):
        low, high = row.whole
        while around and around[-1].whole[1] < low:
            around.pop()
        if around and around[-1].issuer != row.issuer:
            other = around[-1]
            if other.whole == row.whole:
                yield Fault(row.line, f"says something else about the same numbers than line {other.line}")
            elif other.whole[1] < high:
                yield Fault(row.line, f"overlaps with line {other.line}, and neither lies within the other")
        around.append(row)
