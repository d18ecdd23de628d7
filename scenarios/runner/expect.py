"""Expected against observed: exact, and said so that the difference is seen at once. Pure: no I/O here."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scenarios.runner import money
from scenarios.runner.evidence import Entry
from scenarios.runner.grammar import SECTIONS, seconds

PER_PAYMENT = ("attempts", "operations", "disputes", "events", "webhooks")


@dataclass(slots=True)
class Observed:
    """What a scenario's names stand for now, as seen from outside."""

    views: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The JSON of each payment, refund and token by the scenario's name for it."""
    http: dict[str, int | None] = field(default_factory=dict)
    attempts: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    operations: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    disputes: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    events: dict[str, list[str]] = field(default_factory=dict)
    webhooks: dict[str, list[str]] = field(default_factory=dict)
    """Types of the events that reached the merchant, each once, in the order of their sequence."""
    ledger: Mapping[tuple[str, str], int] = field(default_factory=Counter)
    """Net per (account, currency), minor units, debit above zero."""
    journal: dict[str, list[Entry]] = field(default_factory=dict)
    requests: dict[str, Mapping[str, int]] = field(default_factory=dict)
    brought: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)
    """What each authorization that a provider received brought along from elsewhere, cryptograms masked."""
    circuits: dict[str, str] = field(default_factory=dict)
    """The state of each provider's circuit."""
    statistics: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What reporting has counted of each provider's attempts."""
    rest_s: dict[str, float] = field(default_factory=dict)
    """How long after it was asked for each payment was at rest."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One expectation that does not hold. `line` is where it stands in the scenario file, if known."""

    where: str
    expected: str
    got: str
    line: int | None = None

    def __str__(self) -> str:
        return f"{self.where}: expected {self.expected}, got {self.got}"


def differences(then: Mapping[str, Any], observed: Observed) -> list[Difference]:
    """Everything expected that is not so, in the order in which the scenario says it."""
    found: list[Difference] = []
    for name, wanted in then.items():
        if name not in SECTIONS:
            found += _view(name, wanted, observed)
        elif name in PER_PAYMENT:
            found += _per_payment(name, wanted, observed)
        else:
            found += _OTHER[name](wanted, observed)
    return found


def simple_outcomes(outcomes: Sequence[str]) -> list[str]:
    """What was learned, without repeats in a row: a look that learned nothing new adds nothing."""
    return [word for n, word in enumerate(outcomes) if n == 0 or word != outcomes[n - 1]]


def matches(wanted: Mapping[str, Any], operation: Mapping[str, Any]) -> bool:
    """Whether an operation has all the fields given (used by wait steps)."""
    return not list(_operation("", wanted, operation))


def _view(name: str, wanted: Mapping[str, Any], observed: Observed) -> Iterator[Difference]:
    if name not in observed.views:
        yield Difference(name, f"a resource with {_short(wanted)}", "nothing: it was never created")
        return
    view = observed.views[name]
    for word, value in wanted.items():
        if word == "http":
            if observed.http.get(name) != value:
                yield Difference(f"{name}.http", str(value), str(observed.http.get(name)))
        else:
            yield from _field(f"{name}.{word}", value, view.get(word), view.get("currency"))


def _field(where: str, wanted: Any, got: Any, currency: Any) -> Iterator[Difference]:
    """One field. Mappings are compared by the keys given; an amount may be written as money."""
    if isinstance(wanted, Mapping):
        if not isinstance(got, Mapping):
            yield Difference(where, _short(wanted), _short(got))
            return
        for word, value in wanted.items():
            yield from _field(f"{where}.{word}", value, got.get(word), currency)
    elif where.rpartition(".")[2].startswith(("amount", "fee")) and isinstance(wanted, str):
        if money.parse(wanted) != (got, currency):
            yield Difference(where, wanted, money.written(got, currency))
    elif wanted != got:
        yield Difference(where, _short(wanted), _short(got))


def _per_payment(section: str, wanted: Any, observed: Observed) -> Iterator[Difference]:
    got: dict[str, list[Any]] = getattr(observed, section)
    if isinstance(wanted, list):
        if len(got) != 1:
            names = ", ".join(got) or "none"
            yield Difference(
                section, "a list per payment, since there is not exactly one payment", f"payments: {names}"
            )
            return
        wanted = {next(iter(got)): wanted}
    for name, rows in wanted.items():
        where = f"{section}.{name}" if len(got) > 1 else section
        if name not in got:
            yield Difference(where, f"{len(rows)} of them", "no such payment")
        elif section in {"events", "webhooks"}:
            if rows != got[name]:
                yield Difference(where, _short(rows), _short(got[name]))
        else:
            yield from _operations(where, rows, got[name])


def _operations(where: str, wanted: list[Any], got: list[Mapping[str, Any]]) -> Iterator[Difference]:
    if len(wanted) != len(got):
        listing = "; ".join(_describe(operation) for operation in got) or "none"
        yield Difference(where, f"{len(wanted)} in this order: {_short(wanted)}", f"{len(got)}: {listing}")
        return
    for n, (row, operation) in enumerate(zip(wanted, got, strict=True), 1):
        yield from _operation(f"{where} {n}", row, operation)


def _operation(where: str, wanted: Mapping[str, Any], got: Mapping[str, Any]) -> Iterator[Difference]:
    for word, value in wanted.items():
        if word == "superseded":
            yield from _field(f"{where}.superseded", value, got.get("superseded_by") is not None, None)
        elif word in {"outcome", "outcomes"}:
            expected = [value] if isinstance(value, str) else list(value)
            seen = simple_outcomes(got.get("outcomes", []))
            if expected != seen:
                yield Difference(f"{where}, outcomes", _short(expected), _short(seen))
        else:
            yield from _field(f"{where}.{word}", value, got.get(word), got.get("currency"))


def _ledger(wanted: Mapping[str, str], observed: Observed) -> Iterator[Difference]:
    expected: Counter[tuple[str, str]] = Counter()
    for account, text in wanted.items():
        amount, currency = money.parse(text)
        expected[(account, currency)] += amount
    for account, currency in sorted(expected.keys() | observed.ledger.keys()):
        due, got = expected[(account, currency)], observed.ledger.get((account, currency), 0)
        if due != got:
            yield Difference(f"ledger, {account}", str(money.Money(due, currency)), str(money.Money(got, currency)))


def _journal(wanted: Mapping[str, list[str]], observed: Observed) -> Iterator[Difference]:
    for provider, lines in wanted.items():
        got = [str(entry) for entry in observed.journal.get(provider, [])]
        if lines != got:
            yield Difference(f"journal of {provider}", _short(lines), _short(got))


def _requests(wanted: Mapping[str, Mapping[str, int]], observed: Observed) -> Iterator[Difference]:
    for provider, counts in wanted.items():
        for kind, count in counts.items():
            got = observed.requests.get(provider, {}).get(kind, 0)
            if got != count:
                yield Difference(f"{kind} requests at {provider}", str(count), str(got))


def _brought(wanted: Mapping[str, list[Mapping[str, Any]]], observed: Observed) -> Iterator[Difference]:
    for provider, rows in wanted.items():
        got = observed.brought.get(provider, [])
        if rows != got:
            yield Difference(f"brought to {provider}", _short(rows), _short(got))


def _timing(wanted: Mapping[str, str], observed: Observed) -> Iterator[Difference]:
    for name, limit in wanted.items():
        took = observed.rest_s.get(name)
        if took is None:
            yield Difference(f"timing of {name}", f"at rest within {limit}", "never at rest")
        elif took > seconds(limit):
            yield Difference(f"timing of {name}", f"at rest within {limit}", f"{took:.2f}s")


def _circuits(wanted: Mapping[str, str], observed: Observed) -> Iterator[Difference]:
    for provider, state in wanted.items():
        got = observed.circuits.get(provider, "no account there")
        if got != state:
            yield Difference(f"circuit of {provider}", state, got)


def _statistics(wanted: Mapping[str, Mapping[str, Any]], observed: Observed) -> Iterator[Difference]:
    for provider, row in wanted.items():
        if provider not in observed.statistics:
            yield Difference(f"statistics of {provider}", _short(row), "nothing counted")
        else:
            yield from _field(f"statistics of {provider}", row, observed.statistics[provider], None)


_OTHER: dict[str, Callable[[Any, Observed], Iterator[Difference]]] = {
    "ledger": _ledger,
    "journal": _journal,
    "requests": _requests,
    "brought": _brought,
    "timing": _timing,
    "circuits": _circuits,
    "statistics": _statistics,
}


def _describe(operation: Mapping[str, Any]) -> str:
    if operation.get("object") == "dispute":
        return f"dispute at {operation['provider']}: {operation['status']}"
    outcomes = " → ".join(simple_outcomes(operation.get("outcomes", []))) or operation.get("status")
    reason = f" ({operation['reason']})" if operation.get("reason") else ""
    return f"{operation.get('kind', 'authorize')} at {operation.get('provider')}: {outcomes}{reason}"


def _short(value: Any) -> str:
    """A value as the language writes it: flow style, one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_short(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_short(item) for item in value) + "]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)
