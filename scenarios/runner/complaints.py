"""From JSON Schema's findings to sentences that a person can act on."""

import difflib
from collections.abc import Iterable, Iterator
from typing import Any

from jsonschema.exceptions import ValidationError

_KINDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "object": "a mapping",
    "array": "a list",
    "boolean": "true or false",
    "null": "nothing (null)",
}


def explain(error: ValidationError) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    """One finding as (place, what is wrong, how to mend it); several for several unknown words."""
    where = tuple(error.absolute_path)
    told: Any = error.validator_value  # the schema's own side of the rule; its type depends on the rule
    match error.validator:
        case "additionalProperties":
            yield from _unknown_words(where, error)
        case "required":
            for name in told:
                if isinstance(error.instance, dict) and name not in error.instance:
                    yield where, f"{_place(where)} has no {name!r}", f"Add {name}: …"
        case "enum":
            yield where, f"{error.instance!r} is not known here", nearest(str(error.instance), told)
        case "type":
            yield where, *_wrong_type(where, error)
        case "pattern":
            description = error.schema.get("description") if isinstance(error.schema, dict) else None
            yield (
                where,
                f"{error.instance!r} does not fit",
                str(description or f"Write it like {told}"),
            )
        case "minProperties" | "maxProperties":
            yield (
                where,
                f"{_place(where)} must hold exactly one thing" if "when" in where else f"{_place(where)} is empty",
                "Begin each step with its own dash: - pay: {…}" if "when" in where else "Fill it in or leave it out",
            )
        case _:
            yield where, f"{_place(where)}: {error.message}", "Correct the value"


def nearest(word: str, known: Iterable[Any]) -> str:
    """`Did you mean …?` where something is close, else the list of what is known."""
    words = [str(item) for item in known]
    close = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    listing = ", ".join(words)
    return f"Did you mean {close[0]!r}? Known: {listing}" if close else f"Known: {listing}"


def _unknown_words(
    where: tuple[str | int, ...], error: ValidationError
) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    schema = error.schema if isinstance(error.schema, dict) else {}
    known = list(schema.get("properties", {}))
    if not isinstance(error.instance, dict):
        return
    for name in error.instance:
        if name not in known:
            yield (*where, name), f"{name!r} is no word of {_place(where)}", nearest(str(name), known)


def _wrong_type(where: tuple[str | int, ...], error: ValidationError) -> tuple[str, str]:
    told: Any = error.validator_value
    wanted = told if isinstance(told, list) else [told]
    what = f"{_place(where)} is {error.instance!r}, not {' or '.join(_KINDS[kind] for kind in wanted)}"
    if isinstance(error.instance, int | float) and "string" in wanted:
        return what, f'Quote it: "{error.instance}" (codes keep their leading zero only in quotes)'
    return what, "Correct the value"


def _place(where: tuple[str | int, ...]) -> str:
    names = [str(part) for part in where if isinstance(part, str)]
    return " → ".join(names[-2:]) if names else "the scenario"
