"""A simulator's magic values: `rules.yaml` beside its code, checked when the simulator starts.

    declines:                      # the dialect's own codes; iso is the ISO 8583 response code behind it
      insufficient_funds: {iso: "51", message: Your card has insufficient funds.}
    triggers:                      # the same rules as faults: the first that matches wins, faults come first
      - {when: {pan: "4000000000009995"}, then: {action: decline, code: insufficient_funds}}
      - {when: {amount: 5151}, then: {action: decline, code: "51"}}
    lifecycle:                     # how resources move by default: immediate, {manual: n}, {after: seconds}
      refund: immediate

A decline is named by the dialect's code or by its ISO code; both work in rules and in faults.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from simulators.kit.actions import BadRule
from simulators.kit.faults import NO_FAULT, Decision, Facts, Rule, parse_rule
from simulators.kit.lifecycle import Mode, parse_mode


@dataclass(frozen=True, slots=True)
class Decline:
    """One way to say no. `data` is whatever else the dialect wrote beside it (message, advice, …).

    `advice` is the merchant advice code that a fault adds for this request; each dialect has a field of its own for it.
    """

    code: str
    iso: str | None
    data: Mapping[str, Any]
    advice: str | None = None

    @property
    def message(self) -> str:
        return str(self.data.get("message", self.code))


@dataclass(slots=True)
class Rules:
    """The checked file. `triggers` never run out, so their order alone decides."""

    declines: dict[str, Decline] = field(default_factory=dict)
    triggers: list[Rule] = field(default_factory=list)
    lifecycle: dict[str, Mode] = field(default_factory=dict)
    _by_fingerprint: dict[str, list[tuple[int, Rule]]] = field(default_factory=dict)
    _by_amount: dict[int, list[tuple[int, Rule]]] = field(default_factory=dict)
    _others: list[tuple[int, Rule]] = field(default_factory=list)

    def decline(self, code: str) -> Decline:
        """The decline of that name, by the dialect's code or by ISO code. Raises BadRule if there is none."""
        found = self.declines.get(code) or next((d for d in self.declines.values() if d.iso == code), None)
        if found is None:
            raise BadRule(f"decline: unknown code {code!r}; known: {', '.join(sorted(self.declines))}")
        return found

    def decide(self, facts: Facts, headers: Mapping[str, str]) -> Decision:
        """The first trigger that matches, or no fault."""
        near = [*self._others]
        if facts.fingerprint is not None and facts.fingerprint in self._by_fingerprint:
            near += self._by_fingerprint[facts.fingerprint]
        if facts.amount is not None and facts.amount in self._by_amount:
            near += self._by_amount[facts.amount]
        for _, rule in sorted(near, key=lambda numbered: numbered[0]):
            if rule.when.matches(facts, headers):
                return Decision(rule.id, rule.then)
        return NO_FAULT

    def index(self) -> None:
        """Sort the triggers by what they need most, so that a request looks at few of them."""
        for number, rule in enumerate(self.triggers):
            equal = rule.when.equal
            if "fingerprint" in equal:
                self._by_fingerprint.setdefault(equal["fingerprint"], []).append((number, rule))
            elif "amount" in equal:
                self._by_amount.setdefault(equal["amount"], []).append((number, rule))
            else:
                self._others.append((number, rule))

    def check(self, rule: Rule) -> None:
        """Check what a rule refers to in this file: its decline code. Raises BadRule."""
        for action in rule.then:
            if action.word == "decline" and self.declines:
                self.decline(action["code"])


def load_rules(path: Path, card_key: bytes) -> Rules:
    """Read and check `rules.yaml`. Raises BadRule naming the file and the entry."""
    raw = yaml.safe_load(path.read_text("utf-8")) or {}
    try:
        return parse_rules(raw, card_key)
    except BadRule as wrong:
        raise BadRule(f"{path.parent.name}/{path.name}: {wrong}") from None


def parse_rules(raw: Any, card_key: bytes) -> Rules:
    """Check the content of a rules file. Raises BadRule."""
    if not isinstance(raw, Mapping):
        raise BadRule("a mapping with declines, triggers, lifecycle is needed")
    unknown = [key for key in raw if key not in ("declines", "triggers", "lifecycle")]
    if unknown:
        raise BadRule(f"unknown section {', '.join(map(str, unknown))}; known: declines, triggers, lifecycle")
    rules = Rules()
    for code, data in (raw.get("declines") or {}).items():
        if not isinstance(code, str):
            raise BadRule(f"declines: the code {code!r} must be quoted, YAML would eat its zeros")
        details = dict(data or {})
        iso = details.pop("iso", None)
        if iso is not None and not isinstance(iso, str):
            raise BadRule(f"declines.{code}: iso must be quoted")
        rules.declines[code] = Decline(code, iso, details)
    for number, entry in enumerate(raw.get("triggers") or [], 1):
        try:
            rule = parse_rule(entry, f"trigger_{number}", card_key)
            rules.check(rule)
        except BadRule as wrong:
            raise BadRule(f"triggers[{number}]: {wrong}") from None
        if rule.times is not None or rule.after or rule.probability < 1.0 or rule.then[0].phase == "door":
            raise BadRule(
                f"triggers[{number}]: a magic value always acts the same: no times, after, probability or door"
            )
        rules.triggers.append(rule)
    for resource, mode in (raw.get("lifecycle") or {}).items():
        rules.lifecycle[str(resource)] = parse_mode(mode)
    rules.index()
    return rules
