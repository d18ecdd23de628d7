"""Rules: conditions on a request → actions. Used for the faults of an account and for a PSP's magic values.

All conditions of a rule must match, and the first rule that matches wins. `times` counts distinct idempotency keys: an
SDK's own retry of a key does not use a rule up, and meets the same fault again, unless `per: request` is given.
"""

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from simulators.kit import cards
from simulators.kit.actions import Action, BadRule, parse_actions

OPERATIONS: frozenset[str] = frozenset(("authorize", "capture", "void", "refund", "read", "*"))
_WHEN = (
    "operation",
    "amount",
    "currency",
    "pan",
    "fingerprint",
    "bin",
    "last4",
    "name",
    "email",
    "header",
    "reference",
)
_RULE = ("when", "then", "times", "probability", "seed", "after", "per")


@dataclass(slots=True)
class Facts:
    """What rules can match in a request; a dialect's routes say how to find it. `amount` is in minor units.

    `reference` is the gateway's operation id and `payment` its payment id, as the connector sends them.
    """

    operation: str
    amount: int | None = None
    currency: str | None = None
    fingerprint: str | None = None
    bin: str | None = None
    last4: str | None = None
    name: str | None = None
    email: str | None = None
    reference: str | None = None
    payment: str | None = None
    brought: Mapping[str, Any] | None = None
    """What the request brings along from elsewhere (see `brought`): for the requests log, no rule matches it."""


def brought(
    network_transaction_id: str | None = None, authentication: Mapping[str, str | None] | None = None
) -> Mapping[str, Any] | None:
    """What the requests log shows of it: the network's id of an earlier transaction, and the proof of an authentication
    made elsewhere (`version`, `eci`, `ds_transaction_id`, `cryptogram`), of whose cryptogram only the end is left.
    """
    shown: dict[str, Any] = {}
    if network_transaction_id is not None:
        shown["network_transaction_id"] = network_transaction_id
    if authentication is not None:
        cryptogram = authentication.get("cryptogram") or ""
        shown["authentication"] = {**authentication, "cryptogram": f"…{cryptogram[-5:]}" if cryptogram else None}
    return shown or None


@dataclass(frozen=True, slots=True)
class Condition:
    """A checked `when`. A card number is kept as its fingerprint only."""

    equal: Mapping[str, Any]
    headers: Mapping[str, str]
    shown: Mapping[str, Any]

    def matches(self, facts: Facts, headers: Mapping[str, str]) -> bool:
        """Whether everything asked for is so."""
        for name, wanted in self.equal.items():
            if getattr(facts, name) != wanted:
                return False
        return all(headers.get(name) == wanted for name, wanted in self.headers.items())


def parse_condition(when: Any, card_key: bytes) -> Condition:
    """Check a `when`. Names and e-mails compare exactly, currencies in upper case. Raises BadRule."""
    if not isinstance(when, Mapping):
        raise BadRule(f"when: a mapping is needed, not {when!r}")
    unknown = [name for name in when if name not in _WHEN]
    if unknown:
        raise BadRule(f"when: unknown condition {', '.join(map(str, unknown))}; known: {', '.join(_WHEN)}")
    equal: dict[str, Any] = {}
    shown: dict[str, Any] = {}
    headers: dict[str, str] = {}
    for name, value in when.items():
        shown[name] = value
        if name == "operation":
            if value not in OPERATIONS:
                raise BadRule(f"when: unknown operation {value!r}; known: {', '.join(sorted(OPERATIONS))}")
            if value != "*":
                equal[name] = value
        elif name == "amount":
            if not isinstance(value, int) or isinstance(value, bool):
                raise BadRule(f"when: amount is an integer of minor units, not {value!r}")
            equal[name] = value
        elif name == "header":
            if not isinstance(value, Mapping):
                raise BadRule("when: header is a mapping of header name to value")
            headers = {str(key).lower(): str(wanted) for key, wanted in value.items()}
        elif name == "pan":
            number = str(value).replace(" ", "")
            equal["fingerprint"] = cards.fingerprint(card_key, number)
            shown[name] = cards.mask(number)
        else:
            equal[name] = str(value).upper() if name == "currency" else str(value)
    return Condition(equal, headers, shown)


@dataclass(slots=True, eq=False)
class Rule:
    """One fault rule with its memory: which keys it has met, and how often it fired."""

    id: str
    when: Condition
    then: tuple[Action, ...]
    times: int | None = None
    probability: float = 1.0
    after: int = 0
    per_request: bool = False
    seed: int = 0
    fired: int = 0
    met: dict[str, bool] = field(default_factory=dict)
    _keyless: int = 0
    _keyless_acted: int = 0
    _random: random.Random = field(default_factory=random.Random)

    def fires(self, key: str | None) -> bool:
        """Whether the rule acts on this matching request. A key that was met before gets the same answer again."""
        if key is not None and not self.per_request and key in self.met:
            if self.met[key]:
                self.fired += 1
            return self.met[key]
        seen = len(self.met) + self._keyless
        acting = seen >= self.after and (self.times is None or self._acted() < self.times)
        # Drawn for every new request, so that the sequence depends on the seed and the count alone.
        drawn = self.probability >= 1.0 or self._random.random() < self.probability
        verdict = acting and drawn
        if key is None or self.per_request:
            self._keyless += 1
            self._keyless_acted += verdict
        else:
            self.met[key] = verdict
        self.fired += verdict
        return verdict

    def _acted(self) -> int:
        return sum(self.met.values()) + self._keyless_acted

    def recall(self, key: str | None, acted: bool) -> None:
        """After a restart: the rule met this key before, and did or did not act."""
        if self.probability < 1.0:
            self._random.random()
        if key is None or self.per_request:
            self._keyless += 1
            self._keyless_acted += acted
        else:
            self.met[key] = acted
        self.fired += acted

    def durable(self) -> dict[str, Any]:
        """The rule for the log: `parse_rule` reads it back. A card number is its fingerprint."""
        raw = {key: value for key, value in self.view().items() if key not in ("id", "fired")}
        when = {key: value for key, value in self.when.shown.items() if key != "pan"}
        if "pan" in self.when.shown:
            when["fingerprint"] = self.when.equal["fingerprint"]
        return raw | {"when": when}

    def view(self) -> dict[str, Any]:
        """The rule as the control plane shows it; a card number only by its ends."""
        shown: dict[str, Any] = {"id": self.id, "when": dict(self.when.shown), "then": [a.view() for a in self.then]}
        if self.times is not None:
            shown["times"] = self.times
        if self.probability < 1.0:
            shown |= {"probability": self.probability, "seed": self.seed}
        if self.after:
            shown["after"] = self.after
        if self.per_request:
            shown["per"] = "request"
        return shown | {"fired": self.fired}


def parse_rule(raw: Any, rule_id: str, card_key: bytes) -> Rule:
    """Check a RULE of the control plane. Raises BadRule with what is wrong and what would do."""
    if not isinstance(raw, Mapping):
        raise BadRule("a rule is a mapping {when, then, …}")
    unknown = [name for name in raw if name not in _RULE]
    if unknown:
        raise BadRule(f"unknown field {', '.join(map(str, unknown))}; known: {', '.join(_RULE)}")
    if "then" not in raw:
        raise BadRule("then: what shall happen?")
    rule = Rule(rule_id, parse_condition(raw.get("when") or {}, card_key), parse_actions(raw["then"]))
    rule.times = _count(raw, "times", 1)
    rule.after = _count(raw, "after", 0) or 0
    rule.seed = _count(raw, "seed", 0) or 0
    rule._random.seed(rule.seed)
    probability = raw.get("probability", 1.0)
    if isinstance(probability, bool) or not isinstance(probability, int | float) or not 0 <= probability <= 1:
        raise BadRule(f"probability: a number from 0 to 1, not {probability!r}")
    rule.probability = float(probability)
    per = raw.get("per", "key")
    if per not in ("key", "request"):
        raise BadRule(f"per: key or request, not {per!r}")
    rule.per_request = per == "request"
    if rule.then[0].phase == "door":
        _check_door(rule)
    return rule


def _count(raw: Mapping[str, Any], name: str, least: int) -> int | None:
    value = raw.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise BadRule(f"{name}: an integer of at least {least}, not {value!r}")
    return value


def _check_door(rule: Rule) -> None:
    # Nobody sees a refused connection: there is no request to match and nothing to count.
    if set(rule.when.shown) - {"operation"}:
        raise BadRule("when: connection_refused closes the account's door for everything; only operation may be named")
    if rule.times is not None or rule.after or rule.probability < 1.0:
        raise BadRule("connection_refused takes no times, after, probability: nobody can count it; use seconds")


@dataclass(frozen=True, slots=True)
class Decision:
    """What shall happen to one request, by phase. Nothing: `NO_FAULT`."""

    source: str | None = None
    actions: tuple[Action, ...] = ()

    def get(self, word: str) -> Action | None:
        """The action of that word, or None."""
        return next((action for action in self.actions if action.word == word), None)

    def phase(self, phase: str) -> Action | None:
        """The first action of that phase, or None (latency apart, which is asked for by its word)."""
        return next((a for a in self.actions if a.phase == phase and a.word != "latency"), None)

    def webhook(self) -> tuple[Action, ...]:
        """The actions on notifications."""
        return tuple(action for action in self.actions if action.phase == "webhook")

    def words(self) -> str | None:
        """For the requests log: the words, joined."""
        return "+".join(action.word for action in self.actions) or None


NO_FAULT = Decision()


def latency_seconds(action: Action, source: random.Random) -> float:
    """Draw the delay of a latency action in seconds: fixed, uniform, or lognormal (mean; sigma of the logarithm)."""
    if action["seconds"] is not None:
        return float(action["seconds"])
    if action["min"] is not None:
        return source.uniform(action["min"], action["max"])
    mean = float(action["mean"])
    if mean == 0:
        return 0.0
    sigma = float(action["sigma"])
    return source.lognormvariate(math.log(mean) - sigma * sigma / 2, sigma)


class Faults:
    """An account's rules, in the order in which they were set."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []

    def decide(
        self, facts: Facts, headers: Mapping[str, str], key: str | None, met: Callable[[Rule, bool], None]
    ) -> Decision:
        """The first rule that matches and fires; a rule that is used up or waits lets the next one try.

        `met(rule, fired)` is told of every rule that matched, for the log.
        """
        for rule in self.rules:
            if rule.then[0].phase == "door" or not rule.when.matches(facts, headers):
                continue
            fired = rule.fires(key)
            met(rule, fired)
            if fired:
                return Decision(rule.id, rule.then)
        return NO_FAULT

    def add(self, rule: Rule) -> None:
        self.rules.append(rule)

    def remove(self, rule_id: str | None = None) -> list[Rule]:
        """Take one rule out, or all; returns what was taken."""
        gone = [rule for rule in self.rules if rule_id is None or rule.id == rule_id]
        self.rules = [rule for rule in self.rules if rule not in gone]
        return gone
