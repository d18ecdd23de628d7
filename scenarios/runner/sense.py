"""What no schema can say about a scenario: names used before they are given, providers off the route, unknown cards."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from scenarios.runner import cards, money
from scenarios.runner.complaints import nearest
from scenarios.runner.grammar import EXCLUSIVE_VERBS, SECTIONS, in_full, name_of
from scenarios.runner.source import Document, Problem, Where

_MONEY = re.compile(r"(?:[a-z]+ )?([A-Z]{3} -?[0-9]+(?:\.[0-9]+)?)")
"""An amount, alone or as a journal line."""

Found = Iterator[tuple[Where, str, str]]


def sense(document: Document) -> Iterator[Problem]:
    """Everything wrong with a document whose shape is right."""
    value = document.value
    names: set[str] = set()
    checks: list[Found] = [
        _steps(value, names),
        _names_used(value["then"], names),
        _off_route(("given", "faults"), value["given"].get("faults", {}), value["given"]["route"]),
        _off_route(("then", "journal"), value["then"].get("journal", {}), value["given"]["route"]),
        _off_route(("then", "requests"), value["then"].get("requests", {}), value["given"]["route"]),
        _off_route(("then", "brought"), value["then"].get("brought", {}), value["given"]["route"]),
        _off_route(("then", "circuits"), value["then"].get("circuits", {}), value["given"]["route"]),
        _off_route(("then", "statistics"), value["then"].get("statistics", {}), value["given"]["route"]),
        *_routing(value["given"]),
        _amounts((), value),
    ]
    for check in checks:
        for where, what, how in check:
            yield Problem(document.path, document.line(where), what, how)


def _off_route(where: Where, providers: Iterable[str], route: list[str]) -> Found:
    for provider in providers:
        if provider not in route:
            yield (*where, provider), f"{provider!r} is not on the route", nearest(provider, route)


def _routing(given: dict[str, Any]) -> Iterator[Found]:
    told = given.get("routing", {})
    for n, rule in enumerate(told.get("rules", [])):
        where: Where = ("given", "routing", "rules", n)
        yield _off_route((*where, "shares"), rule.get("shares", {}), given["route"])
        yield ((where, *said[1:]) for said in _off_route(where, rule["providers"], given["route"]))
    for n, fee in enumerate(told.get("fees", [])):
        place: Where = ("given", "routing", "fees", n)
        yield ((place, *said[1:]) for said in _off_route(place, [fee["provider"]], given["route"]))


def _names_used(then: dict[str, Any], names: set[str]) -> Found:
    for name in then:
        if name not in SECTIONS and name not in names:
            known = [*sorted(names), *sorted(SECTIONS)]
            yield ("then", name), f"{name!r} is neither a section nor a name given above", nearest(name, known)


def _steps(value: dict[str, Any], names: set[str]) -> Found:
    """Checks the steps in order, and fills `names` with what they make."""
    route = value["given"]["route"]
    for n, step in enumerate(value["when"]):
        [(verb, short)] = step.items()
        told, where = in_full(verb, short), ("when", n, verb)
        if verb in EXCLUSIVE_VERBS and not value.get("exclusive"):
            yield where, f"{verb} would hit everybody's scenarios", "Add exclusive: true at the top"
        if verb == "pay" and ("card" in told) == ("token" in told):
            how = "Write card: visa_approved, or token: t after a tokenize step"
            yield where, "pay needs either a card or a token", how
        if verb == "pay" and told.get("copies") and told.get("background"):
            yield where, "copies are sent and waited for together", "Leave out background"
        if "card" in told and told["card"] not in cards.dialect(route[0]):
            yield where, f"{route[0]} has no card {told['card']!r}", nearest(told["card"], cards.dialect(route[0]))
        for word in ("payment", "of", "refund", "token", "answer"):
            if word in told and told[word] not in names:
                yield where, f"nothing before this step is called {told[word]!r}", nearest(told[word], names)
        yield from _off_route(where, _providers(verb, told), route)
        if verb == "expect":
            yield from _names_used(told, names)
        made = name_of(verb, told, names)
        if made in names:
            yield where, f"two steps make a thing called {made!r}", "Give one of them another name with as:"
        if made:
            names.add(made)


def _providers(verb: str, told: dict[str, Any]) -> list[str]:
    if verb == "fault":
        return list(told)
    if verb == "clear":
        return list(told["providers"])
    return [told["provider"]] if isinstance(told.get("provider"), str) else []


def _amounts(where: Where, value: Any) -> Found:
    """Whatever looks like money must be money: `EUR 42` is refused wherever it stands."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _amounts((*where, key), item)
    elif isinstance(value, list):
        for n, item in enumerate(value):
            yield from _amounts((*where, n), item)
    elif isinstance(value, str) and (written := _MONEY.fullmatch(value)):
        try:
            money.parse(written[1])
        except ValueError as error:
            yield where, str(error), "Correct the amount"
