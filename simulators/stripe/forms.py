"""The nested form encoding of Stripe's v1 API: `card[number]=…`, `expand[]=…`, `items[0][price]=…`.

Parsing gives dictionaries of strings only. Whether numbered keys mean a list is decided by the parameter's type
(`params`), because `metadata[0]` is a plain key while `expand[0]` is a list element.
"""

from functools import lru_cache
from typing import Any
from urllib.parse import unquote_plus

MAX_PARAMETERS = 1000
"""More pairs than this in one request are refused; the real API has a limit of this order."""
MAX_DEPTH = 8
MAX_INDEX_DIGITS = 6

Form = dict[str, Any]
"""Values are strings or further forms."""


class MalformedForm(ValueError):
    """The body or the query is not a form as the API understands it. The message is fit for the caller."""


def is_index(name: str) -> bool:
    """Whether a key can number an element of a list."""
    return name.isascii() and name.isdigit() and len(name) <= MAX_INDEX_DIGITS


@lru_cache(maxsize=4096)
def _path(encoded: str) -> tuple[str, ...]:
    """Split `a[b][c]`, percent-encoded, into `("a", "b", "c")`. `a[]` ends with an empty segment.

    Raises `MalformedForm`. Cached: clients send the same names again and again.
    """
    key = _decode(encoded) if "%" in encoded or "+" in encoded else encoded
    name, bracket, rest = key.partition("[")
    if not name:
        raise MalformedForm("a parameter has no name")
    if not bracket:
        return (name,)
    if not rest.endswith("]"):
        raise MalformedForm(f"brackets do not match in the parameter name '{key}'")
    segments = rest[:-1].split("][")
    if len(segments) >= MAX_DEPTH or any("[" in segment or "]" in segment for segment in segments):
        raise MalformedForm(f"brackets do not match in the parameter name '{key}'")
    return (name, *segments)


def _place(form: Form, path: tuple[str, ...], value: str) -> None:
    node = form
    last = len(path) - 1
    for position, segment in enumerate(path):
        key = segment
        if segment == "" and position:
            # `a[]` appends. In `a[][b]`, a new element begins when the last one already holds that leaf.
            highest = max((int(name) for name in node if is_index(name)), default=-1)
            key = str(highest + 1)
            if position < last and highest >= 0:
                current = node.get(str(highest))
                if isinstance(current, dict) and path[position + 1] not in current:
                    key = str(highest)
        if position == last:
            if isinstance(node.get(key), dict):
                raise MalformedForm(f"'{path[0]}' is given both as a value and as a hash")
            node[key] = value
            return
        below = node.setdefault(key, {})
        if not isinstance(below, dict):
            raise MalformedForm(f"'{path[0]}' is given both as a value and as a hash")
        node = below


def parse(encoded: bytes) -> Form:
    """Return the parameters of a body or of a query string. Raises `MalformedForm`.

    A repeated plain name keeps its last value, as the real API does.
    """
    form: Form = {}
    if not encoded:
        return form
    try:
        text = encoded.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedForm("the request is not valid UTF-8") from error
    pairs = text.split("&")
    if len(pairs) > MAX_PARAMETERS:
        raise MalformedForm(f"more than {MAX_PARAMETERS} parameters")
    for pair in pairs:
        if not pair:
            continue
        name, _, value = pair.partition("=")
        if "%" in value or "+" in value:
            value = _decode(value)
        path = _path(name)
        if len(path) == 1 and not isinstance(form.get(path[0]), dict):
            form[path[0]] = value
        else:
            _place(form, path, value)
    return form


def parse_body(body: bytes, content_type: str) -> Form:
    """Return the parameters of a request's body. Raises `MalformedForm`, also for JSON and multipart bodies."""
    if "json" in content_type or "multipart" in content_type:
        raise MalformedForm("the content type is not application/x-www-form-urlencoded")
    return parse(body)


def _decode(text: str) -> str:
    try:
        decoded = unquote_plus(text, errors="strict")
    except UnicodeDecodeError as error:
        raise MalformedForm("the request is not valid UTF-8") from error
    if "\x00" in decoded:
        raise MalformedForm("a value holds a NUL character")
    return decoded
