"""Values as a contract states them: shape and meaning, with one example.

A plain value must be met exactly. What varies is wrapped by one of these functions, which write Pact's own integration
format: the library's matcher classes cannot join a pattern and a value of the provider's state.
"""

import json
from typing import Any

Shape = dict[str, Any]


def text(example: str, pattern: str) -> Shape:
    """A string that fits a regular expression; the example must fit it as well."""
    return {"pact:matcher:type": "regex", "value": example, "regex": pattern}


def whole(example: int) -> Shape:
    """Any integer."""
    return {"pact:matcher:type": "integer", "value": example}


def like(example: Any) -> Shape:
    """Anything of the example's type; an object or a list of the same structure."""
    return {"pact:matcher:type": "type", "value": example}


def null() -> Shape:
    """JSON's null, and nothing else."""
    return {"pact:matcher:type": "null"}


def listed(example: Any) -> Shape:
    """A list of at least one such item."""
    return {"pact:matcher:type": "type", "value": [example], "min": 1}


def among(*items: Any) -> Shape:
    """A list in which each of these is found, wherever it stands and whatever else there is."""
    return {"pact:matcher:type": "arrayContains", "variants": list(items)}


def from_state(example: str, expression: str, pattern: str | None = None) -> Shape:
    """What only the provider knows (a key, an id): `expression` with `${name}` for the values of its state.

    The consumer's side sees `example` and accepts what fits `pattern` (any string without one).
    """
    rule: Shape = {"pact:matcher:type": "type"} if pattern is None else text(example, pattern)
    return rule | {"value": example, "pact:generator:type": "ProviderState", "expression": expression}


def encoded(value: str | Shape) -> str:
    """A path or a header, as the library takes it."""
    return value if isinstance(value, str) else json.dumps(value)
