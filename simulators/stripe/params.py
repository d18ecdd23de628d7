"""Types of request parameters: what the API accepts, and the refusal it gives for everything else.

A handler's parameters are declared as a tree of these types; reading turns the form's strings into Python values and
refuses unknown names, missing ones, wrong types and empty strings as the real API does. `UNSET` (None) is what an
empty string means where a parameter can be cleared.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from simulators.stripe.errors import empty, invalid, missing, unknown
from simulators.stripe.forms import is_index

MAX_TEXT = 5000
METADATA_KEYS, METADATA_KEY_LENGTH, METADATA_VALUE_LENGTH = 50, 40, 500
"""Limits of the public "Metadata" page."""


class Reader(Protocol):
    """A parameter's type."""

    required: bool

    def read(self, value: Any, name: str) -> Any:
        """Return the Python value, or raise the API's refusal for the parameter called `name`."""
        ...


class Text:
    """A string. `unset=True`: an empty string clears the value (gives None)."""

    def __init__(self, *, required: bool = False, unset: bool = False, longest: int = MAX_TEXT) -> None:
        self.required, self.unset, self.longest = required, unset, longest

    def read(self, value: Any, name: str) -> str | None:
        if not isinstance(value, str):
            raise invalid(f"Invalid string: {_show(value)}", code="parameter_invalid_string", param=name)
        if not value:
            if self.unset:
                return None
            raise empty(name)
        if len(value) > self.longest:
            raise invalid(
                f"Invalid string: {value[:5]}...; must be at most {self.longest} characters",
                code="parameter_invalid_string",
                param=name,
            )
        return value


class Whole:
    """An integer, in minor units where it is an amount."""

    def __init__(self, *, required: bool = False, unset: bool = False) -> None:
        self.required, self.unset = required, unset

    def read(self, value: Any, name: str) -> int | None:
        if value == "":
            if self.unset:
                return None
            raise empty(name)
        if isinstance(value, str):
            digits = value[1:] if value[:1] in "+-" else value
            if digits.isascii() and digits.isdigit() and len(digits) <= 18:
                return int(value)
        raise invalid(f"Invalid integer: {_show(value)}", code="parameter_invalid_integer", param=name)


class Flag:
    """`true` or `false`."""

    def __init__(self, *, required: bool = False) -> None:
        self.required = required

    def read(self, value: Any, name: str) -> bool:
        if value in ("true", "True", "1"):
            return True
        if value in ("false", "False", "0"):
            return False
        if value == "":
            raise empty(name)
        raise invalid(f"Invalid boolean: {_show(value)}", param=name)


class Choice:
    """One of some words."""

    def __init__(self, *words: str, required: bool = False, unset: bool = False) -> None:
        self.words, self.required, self.unset = words, required, unset

    def read(self, value: Any, name: str) -> str | None:
        if value == "":
            if self.unset:
                return None
            raise empty(name)
        if not isinstance(value, str) or value not in self.words:
            listed = ", ".join(self.words[:-1]) + f", or {self.words[-1]}" if len(self.words) > 1 else self.words[0]
            raise invalid(f"Invalid {name}: must be one of {listed}", param=name)
        return value


class Hash:
    """A nested object with declared members."""

    def __init__(self, members: Mapping[str, Reader], *, required: bool = False, unset: bool = False) -> None:
        self.members, self.required, self.unset = members, required, unset
        self.needed = [key for key, member in members.items() if member.required]

    def read(self, value: Any, name: str) -> dict[str, Any] | None:
        if not isinstance(value, dict):
            if value == "" and self.unset:
                return None
            raise invalid("Invalid object", param=name) if value else empty(name)
        return read_members(value, self.members, self.needed, name)


class Listed:
    """A list: `a[]`, `a[0]`, or one plain value. `unset=True`: an empty string gives an empty list."""

    def __init__(self, item: Reader, *, required: bool = False, unset: bool = False) -> None:
        self.item, self.required, self.unset = item, required, unset

    def read(self, value: Any, name: str) -> list[Any]:
        if value == "":
            if self.unset:
                return []
            raise empty(name)
        if isinstance(value, str):
            return [self.item.read(value, name)]
        if not all(map(is_index, value)):
            raise invalid("Invalid array", param=name)
        ordered = sorted(value.items(), key=lambda pair: int(pair[0]))
        return [self.item.read(element, f"{name}[{index}]") for index, (_, element) in enumerate(ordered)]


class Metadata:
    """Keys to strings. An empty value removes its key (kept here as None); an empty hash clears all (None)."""

    required = False

    def read(self, value: Any, name: str) -> dict[str, str | None] | None:
        if value == "":
            return None
        if not isinstance(value, dict):
            raise invalid("Invalid hash", param=name)
        for key, text in value.items():
            if not isinstance(text, str):
                raise invalid(f"Invalid string: {_show(text)}", code="parameter_invalid_string", param=f"{name}[{key}]")
            if len(key) > METADATA_KEY_LENGTH:
                raise invalid(
                    f"Metadata keys can have up to {METADATA_KEY_LENGTH} characters; '{key}' has {len(key)}.",
                    param=f"{name}[{key}]",
                )
            if len(text) > METADATA_VALUE_LENGTH:
                raise invalid(
                    f"Metadata values can have up to {METADATA_VALUE_LENGTH} characters, but you passed in a value "
                    f"that is {len(text)} characters.",
                    param=f"{name}[{key}]",
                )
        return {key: text or None for key, text in value.items()}


class Moment:
    """A Unix time, or a range `{gt, gte, lt, lte}`; always read as a range."""

    required = False

    def read(self, value: Any, name: str) -> dict[str, int]:
        if isinstance(value, dict):
            limits = {key: Whole() for key in ("gt", "gte", "lt", "lte")}
            return read_members(value, limits, (), name)
        exact = Whole().read(value, name)
        return {"gte": exact, "lte": exact} if exact is not None else {}


class Anything:
    """A parameter of the real API that is accepted and has no effect here. The README lists every one."""

    required = False

    def read(self, value: Any, name: str) -> Any:
        return value


class Refused:
    """A parameter of the real API that moves money in a way this simulator does not know: refused, not ignored."""

    required = False

    def read(self, value: Any, name: str) -> Any:
        raise invalid(f"'{name}' is not simulated; see the simulator's README.", param=name)


def read_members(
    form: Mapping[str, Any], members: Mapping[str, Reader], needed: list[str] | tuple[str, ...], prefix: str = ""
) -> dict[str, Any]:
    """Read every parameter of a hash. Raises for the first unknown, missing or wrong one, in that order."""
    result: dict[str, Any] = {}
    for key, value in form.items():
        member = members.get(key)
        name = f"{prefix}[{key}]" if prefix else key
        if member is None:
            raise unknown(name)
        result[key] = member.read(value, name)
    for key in needed:
        if key not in result:
            raise missing(f"{prefix}[{key}]" if prefix else key)
    return result


def merge_metadata(current: dict[str, str], change: dict[str, str | None] | None) -> dict[str, str]:
    """Return the metadata after an update: given keys replace, empty ones go, None clears all. Raises over 50 keys."""
    if change is None:
        return {}
    merged = {**current, **change}
    result = {key: text for key, text in merged.items() if text is not None}
    if len(result) > METADATA_KEYS:
        raise invalid(f"You can specify up to {METADATA_KEYS} metadata keys.", param="metadata")
    return result


def _show(value: Any) -> str:
    return str(value)[:50] if isinstance(value, str) else "a hash"
