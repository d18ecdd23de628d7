"""Settlement: what the journal says was moved in a period, with the PSP's fees, as the file that the PSP would send.

The kit reads the journal and adds fees; the dialect writes the file. A simulator with `settlement.py` beside its code
defines there `FORMAT: Format`; one without it gets the plain format. Fees are data, `settlement.yaml` beside the code:

    fees:                          # per kind of movement; what is not listed costs nothing
      sale: {basis_points: 150, fixed: 25}       # of the amount, and hundredths of the currency's main unit
      chargeback: {fixed: 2000}

A fee is whole minor units: the share is rounded half up, the fixed part is cut to what the currency has.
"""

import csv
import hashlib
import importlib.util
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import yaml

if TYPE_CHECKING:
    from simulators.kit.accounts import Account

Kind = Literal["sale", "refund", "chargeback", "chargeback_reversed"]
_KINDS: dict[str, Kind] = {
    "charge": "sale",
    "capture": "sale",
    "refund": "refund",
    "chargeback": "chargeback",
    "chargeback_reversed": "chargeback_reversed",
    # What failed afterwards goes back the way it came; the entry's code says so.
    "capture_failed": "refund",
    "refund_failed": "sale",
}
"""What is settled, by kind of journal entry. An authorization, a void and a decline move no money."""
_TAKEN: frozenset[Kind] = frozenset(("refund", "chargeback"))
_ZERO = frozenset(
    ["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"]
)
_THREE = frozenset(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"])


class BadSettlement(Exception):
    """A period or a fees file that makes no sense; the message says what would."""


def exponent(currency: str) -> int:
    """Digits after the decimal sign (ISO 4217)."""
    return 0 if currency in _ZERO else 3 if currency in _THREE else 2


def major(amount: int, currency: str) -> str:
    """Minor units as the decimal figure that PSPs print: 4200 EUR is `42.00`."""
    digits = exponent(currency)
    sign, figure = "-" if amount < 0 else "", str(abs(amount)).rjust(digits + 1, "0")
    return f"{sign}{figure[:-digits]}.{figure[-digits:]}" if digits else f"{sign}{figure}"


@dataclass(frozen=True, slots=True)
class Fee:
    """`basis_points` of the amount and `fixed` hundredths of the currency's main unit."""

    basis_points: int = 0
    fixed: int = 0

    def of(self, amount: int, currency: str) -> int:
        """The fee in minor units."""
        digits = exponent(currency)
        fixed = self.fixed * 10 ** (digits - 2) if digits >= 2 else self.fixed // 100
        return (amount * self.basis_points + 5_000) // 10_000 + fixed


@dataclass(frozen=True, slots=True)
class Movement:
    """One line's worth. `amount` and `fee` are minor units and positive; a reversed chargeback gives its fee back.

    `object`, `parent`, `reference`, `payment`, `code` are the journal's: the PSP's id of what moved and of what it
    moved from, the gateway's operation and payment, and why, where it moved back.
    """

    seq: int
    at: datetime
    kind: Kind
    amount: int
    currency: str
    fee: int
    object: str
    parent: str | None
    reference: str | None
    payment: str | None
    code: str | None

    @property
    def gross(self) -> int:
        """Signed: negative when money leaves the merchant."""
        return -self.amount if self.kind in _TAKEN else self.amount

    @property
    def net(self) -> int:
        """What reaches the merchant, fee taken off."""
        return self.gross - self.fee


@dataclass(frozen=True, slots=True)
class Statement:
    """What one file is made of: the movements of `account` from `begins` (inclusive) to `ends` (exclusive)."""

    account: "Account"
    begins: datetime
    ends: datetime
    movements: Sequence[Movement]

    @property
    def net(self) -> dict[str, int]:
        """Per currency, what is paid out, in minor units."""
        totals: dict[str, int] = {}
        for movement in self.movements:
            totals[movement.currency] = totals.get(movement.currency, 0) + movement.net
        return dict(sorted(totals.items()))

    def word(self, what: str, length: int = 24, alphabet: str = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ") -> str:
        """An id for what only the file knows (a payout, a batch): the same whenever this period is asked for."""
        text = f"{self.account.id}:{self.begins.isoformat()}:{self.ends.isoformat()}:{what}"
        digest = hashlib.shake_128(text.encode()).digest(length)
        return "".join(alphabet[byte % len(alphabet)] for byte in digest)


@dataclass(frozen=True, slots=True)
class Format:
    """A PSP's settlement file: `columns` in order, `rows` as texts by column name, `name` of the file."""

    columns: Callable[[Statement], Sequence[str]]
    rows: Callable[[Statement], Iterator[Mapping[str, str]]]
    name: Callable[[Statement], str]

    def render(self, statement: Statement) -> str:
        """The file: CSV, commas, quotes where needed, line feeds."""
        out = io.StringIO()
        writer = csv.DictWriter(out, list(self.columns(statement)), restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows(statement))
        return out.getvalue()


def stamp(moment: datetime, separator: str = " ") -> str:
    """A time to the second in UTC as most PSPs print it: `2026-11-22 12:00:00`."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(separator, "seconds")


# -- the plain format, for a PSP that has none of its own
def _plain_rows(statement: Statement) -> Iterator[Mapping[str, str]]:
    for movement in statement.movements:
        yield {
            "line": str(movement.seq),
            "at": movement.at.isoformat(timespec="milliseconds"),
            "type": movement.kind,
            "id": movement.object,
            "parent": movement.parent or "",
            "reference": movement.reference or "",
            "payment": movement.payment or "",
            "currency": movement.currency,
            "gross": str(movement.gross),
            "fee": str(movement.fee),
            "net": str(movement.net),
        }


PLAIN_COLUMNS = ("line", "at", "type", "id", "parent", "reference", "payment", "currency", "gross", "fee", "net")
PLAIN = Format(
    columns=lambda _: PLAIN_COLUMNS,
    rows=_plain_rows,
    name=lambda s: f"{s.account.world.slug}_settlement_{s.begins:%Y%m%d}_{s.ends:%Y%m%d}.csv",
)
"""One line per movement, amounts in minor units."""


# -- making one
def format_of(slug: str) -> Format:
    """The format that `simulators/<slug>/settlement.py` defines, or the plain one."""
    module = f"simulators.{slug}.settlement"
    try:
        if importlib.util.find_spec(module) is None:
            return PLAIN
    except ModuleNotFoundError:  # a simulator that is no package of ours, as tests make them
        return PLAIN
    found: Format = importlib.import_module(module).FORMAT
    return found


def load_fees(folder: Path) -> dict[str, Fee]:
    """The fees of `settlement.yaml`, by kind of movement; none without the file. Raises BadSettlement."""
    path = folder / "settlement.yaml"
    if not path.exists():
        return {}
    raw = yaml.safe_load(path.read_text("utf-8"))
    fees = raw.get("fees") if isinstance(raw, Mapping) and set(raw) == {"fees"} else None
    if not isinstance(fees, Mapping) or set(fees) - set(_KINDS.values()):
        raise BadSettlement(f"{path.parent.name}/{path.name}: fees of {', '.join(dict.fromkeys(_KINDS.values()))}")
    found = {}
    for kind, fee in fees.items():
        parts = dict(fee) if isinstance(fee, Mapping) else {"": fee}
        if set(parts) - {"basis_points", "fixed"} or not all(type(v) is int and v >= 0 for v in parts.values()):
            raise BadSettlement(
                f"{path.parent.name}/{path.name}: {kind}: basis_points and fixed, whole and not negative"
            )
        found[str(kind)] = Fee(**parts)
    return found


def statement(account: "Account", begins: datetime | None, ends: datetime | None) -> Statement:
    """The movements of a period of the account's time; without bounds from its first day to now."""
    fees = load_fees(account.world.spec.folder)
    every = list(_movements(account.journal.entries, fees))
    now = datetime.fromtimestamp(account.clock.now(), UTC)
    first = min((movement.at for movement in every), default=now)
    begins = begins or first.replace(hour=0, minute=0, second=0, microsecond=0)
    # The clock is finer than the journal's milliseconds: what moved just now is in.
    ends = ends or max(now, max((movement.at for movement in every), default=now)).replace(microsecond=999_999)
    if ends <= begins:
        raise BadSettlement("the period ends before it begins")
    return Statement(account, begins, ends, [one for one in every if begins <= one.at < ends])


def _movements(entries: Sequence[Mapping[str, Any]], fees: Mapping[str, Fee]) -> Iterator[Movement]:
    for entry in entries:
        kind = _KINDS.get(entry["kind"])
        if kind is None:
            continue
        amount, currency = int(entry["amount"]), str(entry["currency"])
        if kind == "chargeback_reversed":
            fee = -fees.get("chargeback", Fee()).of(amount, currency)
        else:
            fee = fees.get(kind, Fee()).of(amount, currency)
        yield Movement(
            seq=int(entry["seq"]),
            at=datetime.fromisoformat(str(entry["at"])),
            kind=kind,
            amount=amount,
            currency=currency,
            fee=fee,
            object=str(entry["object"]),
            parent=entry["parent"],
            reference=entry["reference"],
            payment=entry["payment"],
            code=entry.get("code"),
        )


def moment(text: str, name: str) -> datetime:
    """A bound of a period: a date (its first moment in UTC) or a time in ISO 8601. Raises BadSettlement."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise BadSettlement(f"{name}: a date or a time in ISO 8601, not {text!r}") from None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
