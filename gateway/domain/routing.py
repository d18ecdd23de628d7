"""Which PSPs are asked, and in which order: a merchant's routing document applied to one payment, and why.

The first rule whose conditions all hold decides; without one the document's own order does. Behind what the rule
names come the document's other providers, as fallbacks. A provider whose circuit is open goes to the end: it is asked
only when everybody else was. Nothing here is random: shares and exploration go by a point that the payment's id gives.

The same decision is taken in SQL (`core.choose_route_v1`), inside the call that begins the payment; a test compares
both over random documents. Amounts are minor units, shares and rates basis points (1/100 of a percent).
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

By = Literal["order", "split", "success_rate", "cost"]
WHOLE = 10_000


@dataclass(frozen=True, slots=True)
class When:
    """The conditions of a rule; None asks nothing. `bin`: prefixes. `metadata`: allowed values by key."""

    brand: tuple[str, ...] | None = None
    bin: tuple[str, ...] | None = None
    issuer_country: tuple[str, ...] | None = None
    currency: tuple[str, ...] | None = None
    at_least: int | None = None
    below: int | None = None
    method: tuple[str, ...] | None = None
    mcc: tuple[str, ...] | None = None
    metadata: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RoutingRule:
    """One rule. `shares` in percent, for `split`; the last three fields are for `success_rate`.

    `window_s`: how far back statistics count. `explore_percent`: payments that try somebody else, so that a PSP which
    recovered is noticed. `min_attempts`: with fewer in the window a rate says nothing, and counts as perfect.
    """

    id: str
    providers: tuple[str, ...]
    when: When = When()
    by: By = "order"
    shares: Mapping[str, int] = field(default_factory=dict)
    window_s: int = 3600
    explore_percent: int = 5
    min_attempts: int = 20


@dataclass(frozen=True, slots=True)
class Fee:
    """What a provider takes of an approved payment. Where several rows fit, the first one holds."""

    provider: str
    basis_points: int
    fixed: int
    brand: str | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Routing:
    """A merchant's routing document."""

    providers: tuple[str, ...]
    rules: tuple[RoutingRule, ...] = ()
    fees: tuple[Fee, ...] = ()


@dataclass(frozen=True, slots=True)
class RoutingFacts:
    """What a payment is decided by. `issuer_country` by the BIN table, None where it is not listed."""

    payment_id: str
    amount: int
    currency: str
    brand: str
    bin: str
    issuer_country: str | None = None
    method: str = "card"
    mcc: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tally:
    """Attempts in a window that a PSP or issuer judged or failed, and how many were approved."""

    attempts: int
    approved: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """One provider of the route, in its place. `rate` in basis points, `fee` in minor units, where they decided."""

    provider: str
    rate: int | None = None
    fee: int | None = None
    circuit_open: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """The order, and why. `passed_over`: rule id → the first of its conditions that did not hold."""

    candidates: tuple[Candidate, ...]
    rule: str | None
    by: By
    passed_over: tuple[tuple[str, str], ...]
    explored: bool = False

    @property
    def providers(self) -> tuple[str, ...]:
        return tuple(candidate.provider for candidate in self.candidates)


def point(payment_id: str, salt: str = "") -> int:
    """A payment's place between 0 and 9999, the same in Python and SQL, evenly spread over ids."""
    return int(hashlib.sha256((payment_id + salt).encode()).hexdigest()[:8], 16) % WHOLE


def choose_route(
    routing: Routing,
    facts: RoutingFacts,
    known: frozenset[str],
    tallies: Mapping[tuple[str, int], Tally],
    circuits_open: frozenset[str],
) -> Route:
    """Apply the document. `known`: providers with an account; others are left out. `tallies` by provider and window."""
    passed_over: list[tuple[str, str]] = []
    rule: RoutingRule | None = None
    for each in routing.rules:
        failed = _fails(each.when, facts)
        if failed is None:
            rule = each
            break
        passed_over.append((each.id, failed))
    if rule is None:
        ranked, explored = [Candidate(name) for name in routing.providers if name in known], False
    else:
        ranked, explored = _rank(rule, routing.fees, facts, known, tallies)
    named = {candidate.provider for candidate in ranked}
    ranked += [Candidate(name) for name in routing.providers if name in known and name not in named]
    marked = [
        Candidate(each.provider, each.rate, each.fee, each.provider in circuits_open) for each in _distinct(ranked)
    ]
    marked.sort(key=lambda candidate: candidate.circuit_open)  # stable: the rest keep their places
    return Route(tuple(marked), rule.id if rule else None, rule.by if rule else "order", tuple(passed_over), explored)


def _distinct(candidates: Iterable[Candidate]) -> list[Candidate]:
    first: dict[str, Candidate] = {}
    for candidate in candidates:
        first.setdefault(candidate.provider, candidate)
    return list(first.values())


def _fails(when: When, facts: RoutingFacts) -> str | None:
    """The first condition that does not hold, in the order in which SQL looks; None if all hold."""
    checks: tuple[tuple[str, bool], ...] = (
        ("brand", when.brand is None or facts.brand in when.brand),
        ("bin", when.bin is None or any(facts.bin.startswith(prefix) for prefix in when.bin)),
        ("issuer_country", when.issuer_country is None or facts.issuer_country in when.issuer_country),
        ("currency", when.currency is None or facts.currency in when.currency),
        ("amount", when.at_least is None or facts.amount >= when.at_least),
        ("amount", when.below is None or facts.amount < when.below),
        ("method", when.method is None or facts.method in when.method),
        ("mcc", when.mcc is None or facts.mcc in when.mcc),
        ("metadata", all(facts.metadata.get(key) in values for key, values in when.metadata.items())),
    )
    return next((name for name, holds in checks if not holds), None)


def _rank(
    rule: RoutingRule,
    fees: tuple[Fee, ...],
    facts: RoutingFacts,
    known: frozenset[str],
    tallies: Mapping[tuple[str, int], Tally],
) -> tuple[list[Candidate], bool]:
    names = [name for name in rule.providers if name in known]
    match rule.by:
        case "order":
            return [Candidate(name) for name in names], False
        case "split":
            chosen = _share(rule, names, facts.payment_id)
            return [Candidate(name) for name in sorted(names, key=lambda name: name != chosen)], False
        case "cost":
            priced = [Candidate(name, fee=_fee(fees, name, facts)) for name in names]
            return sorted(priced, key=lambda each: (each.fee is None, each.fee or 0)), False
        case "success_rate":
            rated = [Candidate(name, rate=_rate(rule, tallies.get((name, rule.window_s)))) for name in names]
            rated.sort(key=lambda each: -(each.rate or 0))
            if not names or point(facts.payment_id) >= rule.explore_percent * 100:
                return rated, False
            tried = names[point(facts.payment_id, "explore") % len(names)]
            return sorted(rated, key=lambda each: each.provider != tried), True


def _share(rule: RoutingRule, names: list[str], payment_id: str) -> str | None:
    """Whose share the payment's point falls into; shares of providers without an account go to those with one."""
    total = sum(rule.shares.get(name, 0) for name in names)
    if total == 0:
        return None
    reached, mine = 0, point(payment_id) * total
    for name in names:
        reached += rule.shares.get(name, 0) * WHOLE
        if mine < reached:
            return name
    return None


def _fee(fees: tuple[Fee, ...], provider: str, facts: RoutingFacts) -> int | None:
    for fee in fees:
        fits = fee.brand in (None, facts.brand) and fee.currency in (None, facts.currency)
        if fee.provider == provider and fits:
            return (facts.amount * fee.basis_points + WHOLE // 2) // WHOLE + fee.fixed
    return None


def _rate(rule: RoutingRule, tally: Tally | None) -> int:
    if tally is None or tally.attempts < rule.min_attempts or tally.attempts == 0:
        return WHOLE
    return tally.approved * WHOLE // tally.attempts
