"""The small parts of the language that checking, running and comparing share."""

import re
from itertools import count
from typing import Any

SECTIONS = frozenset(
    {
        "attempts",
        "operations",
        "disputes",
        "events",
        "webhooks",
        "ledger",
        "journal",
        "requests",
        "brought",
        "timing",
        "circuits",
        "statistics",
    }
)
"""Words of `then` that are not names of payments or refunds."""

EXCLUSIVE_VERBS = frozenset({"kill", "restart"})
"""Steps that everybody on the environment would feel."""

NAMES = {"pay": "p", "refund": "r", "capture": "c", "cancel": "x", "reauthorize": "a", "tokenize": "t", "simulate": "s"}
"""What a step makes is called by its `as`, else by these, numbered from the second on: c, c2, c3."""

_SHORT = {"retry": "of", "kill": "process", "restart": "process", "clear": "providers"}

_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def seconds(text: str) -> float:
    """Read a duration of the language, like `5s` or `250ms`, as seconds."""
    match = re.fullmatch(r"([0-9.]+)(ms|s|m|h|d)", text)
    if match is None:
        raise ValueError(f"{text!r} is not a duration like 5s")
    return float(match[1]) * _UNITS_S[match[2]]


def in_full(verb: str, told: Any) -> dict[str, Any]:
    """The long form of a step that was written short (`cancel: p`)."""
    return told if isinstance(told, dict) else {_SHORT.get(verb, "payment"): told}


def name_of(verb: str, told: dict[str, Any], taken: set[str]) -> str | None:
    """The name of what a step makes; None for steps that make nothing."""
    if verb not in NAMES:
        return None
    if "as" in told:
        return str(told["as"])
    base = NAMES[verb]
    return next(name for name in (base if n == 1 else f"{base}{n}" for n in count(1)) if name not in taken)
