"""What a fault can do: the words of a rule's `then`, each with the parameters it takes and the phase it acts in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Phase = Literal["door", "before", "verdict", "answer", "read", "webhook"]


class BadRule(ValueError):
    """A rule that cannot be meant; the message says which part and what would do."""


@dataclass(frozen=True, slots=True)
class _Parameter:
    """`kind`: seconds (a number ≥ 0), count (an integer ≥ 1), flag, word or any. `choices` narrows words."""

    kind: Literal["seconds", "count", "amount", "flag", "word", "any"]
    default: Any = None
    required: bool = False
    choices: tuple[Any, ...] = ()


_SECONDS = _Parameter("seconds", required=True)

ACTIONS: dict[str, tuple[Phase, dict[str, _Parameter]]] = {
    "connection_refused": ("door", {"seconds": _Parameter("seconds")}),
    "reset_before_commit": ("before", {}),
    "rate_limit": ("before", {"retry_after": _Parameter("seconds", default=1)}),
    "server_error": (
        "before",
        {"status": _Parameter("count", default=500), "commit": _Parameter("flag", default=False)},
    ),
    "commit_late": ("before", {"seconds": _SECONDS}),
    "decline": ("verdict", {"code": _Parameter("word", required=True), "advice": _Parameter("word")}),
    "pending": ("verdict", {"seconds": _Parameter("seconds"), "then": _Parameter("word", default="approve")}),
    "wrong_amount": ("verdict", {"amount": _Parameter("amount", required=True)}),
    "outcome": ("verdict", {"name": _Parameter("word", required=True), "data": _Parameter("any")}),
    "latency": (
        "answer",
        {
            "seconds": _Parameter("seconds"),
            "min": _Parameter("seconds"),
            "max": _Parameter("seconds"),
            "mean": _Parameter("seconds"),
            "sigma": _Parameter("seconds"),
        },
    ),
    "commit_then_lose_response": ("answer", {"lose": _Parameter("word", default="reset", choices=("reset", "hang"))}),
    "truncated_body": ("answer", {}),
    "malformed_body": ("answer", {}),
    "hide_from_reads": ("read", {"seconds": _SECONDS}),
    "webhook_delay": ("webhook", {"seconds": _SECONDS}),
    "webhook_duplicate": ("webhook", {"times": _Parameter("count", default=2)}),
    "webhook_drop": ("webhook", {}),
    "webhook_before_response": ("webhook", {}),
    "webhook_bad_signature": ("webhook", {}),
    "webhook_stale": ("webhook", {}),
    "webhook_old_secret": ("webhook", {}),
    "webhook_reorder": ("webhook", {}),
}
"""Word → (phase, parameters). One action per phase in a rule, except the webhook ones, which combine freely, and
`latency`, which goes with any other."""


@dataclass(frozen=True, slots=True)
class Action:
    """One checked action: its word and its parameters with defaults filled in."""

    word: str
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def phase(self) -> Phase:
        return ACTIONS[self.word][0]

    def __getitem__(self, name: str) -> Any:
        return self.parameters[name]

    def view(self) -> dict[str, Any]:
        """The action as it was written, defaults included."""
        return {"action": self.word, **{k: v for k, v in self.parameters.items() if v is not None}}


def parse_actions(then: Any) -> tuple[Action, ...]:
    """Check a rule's `then`: a word, `{action: word, …}`, or a list of these. Raises BadRule."""
    parts = then if isinstance(then, list) else [then]
    if not parts:
        raise BadRule("then: at least one action is needed")
    actions = tuple(_parse_one(part) for part in parts)
    taken: dict[str, str] = {}
    for action in actions:
        lane = action.word if action.phase in ("webhook", "read") or action.word == "latency" else "main"
        if lane == "main" and action.phase == "verdict":
            lane = "verdict"  # a decline may be lost on the way, too
        if lane in taken:
            raise BadRule(f"then: {taken[lane]} and {action.word} cannot both happen to one request")
        taken[lane] = action.word
    if any(action.phase == "door" for action in actions) and len(actions) > 1:
        raise BadRule("then: connection_refused stands alone: behind a closed door nothing else happens")
    return actions


def _parse_one(part: Any) -> Action:
    raw = {"action": part} if isinstance(part, str) else part
    if not isinstance(raw, Mapping) or not isinstance(raw.get("action"), str):
        raise BadRule(f"then: a word or {{action: word, …}} is needed, not {part!r}")
    word = raw["action"]
    if word not in ACTIONS:
        raise BadRule(f"then: unknown action {word!r}; known: {', '.join(sorted(ACTIONS))}")
    known = ACTIONS[word][1]
    unknown = [name for name in raw if name != "action" and name not in known]
    if unknown:
        raise BadRule(
            f"then: {word} does not take {', '.join(map(str, unknown))}; it takes {', '.join(known) or 'nothing'}"
        )
    parameters = {name: _check(word, name, raw.get(name, how.default), how) for name, how in known.items()}
    if word == "latency":
        _check_latency(parameters)
    return Action(word, parameters)


def _check(word: str, name: str, value: Any, how: _Parameter) -> Any:
    if value is None:
        if how.required:
            raise BadRule(f"then: {word} needs {name}")
        return None
    number = isinstance(value, int | float) and not isinstance(value, bool)
    whole = isinstance(value, int) and not isinstance(value, bool)
    good = {
        "seconds": number and value >= 0,
        "count": whole and value >= 1,
        "amount": whole and value >= 0,
        "flag": isinstance(value, bool),
        "word": isinstance(value, str | int) and not isinstance(value, bool),
        "any": True,
    }[how.kind]
    value = str(value) if how.kind == "word" else value
    if not good or (how.choices and value not in how.choices):
        wanted = f"one of {', '.join(map(str, how.choices))}" if how.choices else how.kind
        raise BadRule(f"then: {word}.{name} must be {wanted}, not {value!r}")
    return value


def _check_latency(parameters: Mapping[str, Any]) -> None:
    given = {name for name, value in parameters.items() if value is not None}
    if given not in ({"seconds"}, {"min", "max"}, {"mean", "sigma"}):
        raise BadRule("then: latency takes seconds, or min and max (uniform), or mean and sigma (lognormal)")
    if given == {"min", "max"} and parameters["min"] > parameters["max"]:
        raise BadRule("then: latency.min is above latency.max")
