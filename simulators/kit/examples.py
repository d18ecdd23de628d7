"""Performs the examples of an OpenAPI document of `kit.openapi`: what comes first, then the operation itself.

    examples = Examples(document, account, control_url)        # account: as the control plane shows it
    status, answer = examples.perform("POST", "/v1/charges/{id}/capture")

`payera sim seed` fills an account this way, and the tests see that every example holds.
"""

import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from simulators.kit.openapi import FORM

Json = dict[str, Any]
TIMEOUT_S = 30.0
_NAME = re.compile(r"\{(\w+)\}")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer: where it leads is another's page."""

    def redirect_request(self, *_: Any) -> None:
        return None


_opener = urllib.request.build_opener(_NoRedirect)


class ExampleFailed(Exception):
    """A request that comes first was refused; the message shows it and the answer."""


def flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Nested values as pairs of a form or a query: `a[b]`, `a[0]`; booleans in lower case."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from flat(item, f"{name}[{key}]" if name else str(key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from flat(item, f"{name}[{index}]")
    elif isinstance(value, bool):
        yield name, str(value).lower()
    elif value is not None:
        yield name, str(value)


def encoded(value: Any, media_type: str) -> bytes:
    """A body as it goes over the wire; bytes go as they are."""
    if isinstance(value, bytes):
        return value
    return urlencode(list(flat(value))).encode() if media_type == FORM else json.dumps(value).encode()


def filled(value: Any, names: Mapping[str, str]) -> Any:
    """`value` with `{name}` replaced in every string, where the name is known."""
    if isinstance(value, str):
        return _NAME.sub(lambda found: names.get(found[1], found[0]), value)
    if isinstance(value, Mapping):
        return {key: filled(item, names) for key, item in value.items()}
    return [filled(item, names) for item in value] if isinstance(value, list) else value


def taken(answer: Any, path: str) -> str:
    """The value at a dotted path; with a `/` at its end, the last part of the URL there. Raises LookupError."""
    for part in path.removesuffix("/").split("."):
        answer = answer[int(part)] if isinstance(answer, list) else answer[part]
    return str(answer).rpartition("/")[2] if path.endswith("/") else str(answer)


class Examples:
    """One account and one document. `names` is what `{name}` stands for: the account's facts and what was taken."""

    def __init__(self, document: Json, account: Json, control: str) -> None:
        self.document = document
        self.account = account
        self.server = str(document["servers"][0]["url"])
        self._simulator = str(account["url"])
        self._control = f"{control}/v1/{account['simulator']}/accounts/{account['account']}"
        facts = {**account, **(account.get("settings") or {}), "slug": account["simulator"]}
        self.names: dict[str, str] = {name: value for name, value in facts.items() if isinstance(value, str)}

    def operations(self) -> Iterator[tuple[str, str, Json]]:
        """(METHOD, path, operation) of the document."""
        for path, methods in self.document["paths"].items():
            for method, operation in methods.items():
                yield method.upper(), path, operation

    def operation(self, method: str, path: str) -> Json:
        """The operation of that name. Raises KeyError."""
        found: Json = self.document["paths"][path][method.lower()]
        return found

    def prepare(self, operation: Json) -> None:
        """Do what comes first. Raises ExampleFailed."""
        for step in operation.get("x-payera-first", ()):
            place, call = _split(step["call"])
            status, answer = self._step(place, call, step["body"])
            if not 200 <= status < 300:
                raise ExampleFailed(f"{step['call']} → {status} {answer[:500].decode('utf-8', 'replace')}")
            for name, path in step["take"].items():
                try:
                    self.names[name] = taken(json.loads(answer), path)
                except (ValueError, LookupError, TypeError):
                    raise ExampleFailed(f"{step['call']}: no {path} in {answer[:500]!r}") from None

    def perform(self, method: str, path: str) -> tuple[int, bytes]:
        """Prepare, then perform the example. Raises ExampleFailed for what comes first."""
        operation = self.operation(method, path)
        self.prepare(operation)
        media_type, example = example_of(operation)
        query = example if media_type is None else None
        body = None if media_type is None else encoded(filled(example, self.names), media_type)
        return self.send(method, self.server + self.path(path, query), body, media_type, operation)

    def path(self, path: str, query: Any = None) -> str:
        """The path with its names filled in and a query behind it."""
        whole = _NAME.sub(lambda found: quote(self.names[found[1]], safe=""), path)
        pairs = urlencode(list(flat(filled(query, self.names)))) if query else ""
        return f"{whole}?{pairs}" if pairs else whole

    def headers(self) -> dict[str, str]:
        """The credential, as the document's security scheme wants it."""
        scheme = self.document.get("components", {}).get("securitySchemes", {}).get("key")
        if scheme is None:
            return {}
        key = self.account["api_key"]
        return {"authorization": f"Bearer {key}"} if scheme["type"] == "http" else {scheme["name"].lower(): key}

    def send(
        self, method: str, url: str, body: bytes | None, media_type: str | None, operation: Json | None = None
    ) -> tuple[int, bytes]:
        """One request; every answer is an answer, also a refusal or a redirect."""
        headers = self.headers() | filled((operation or {}).get("x-payera-headers") or {}, self.names)
        if media_type is not None:
            headers["content-type"] = media_type
        request = urllib.request.Request(url, body, headers, method=method)  # noqa: S310 - the simulator's own address
        try:
            with _opener.open(request, timeout=TIMEOUT_S) as answer:
                return int(answer.status), answer.read()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read()

    def control(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """A call to the control plane about this account; the answer's JSON."""
        content = None if body is None else json.dumps(body).encode()
        media_type = None if body is None else "application/json"
        status, answer = self.send(method, self._control + path, content, media_type)
        return status, json.loads(answer)

    def _step(self, place: str, call: tuple[str, str], body: Any) -> tuple[int, bytes]:
        method, path = call
        base = {"CONTROL": self._control, "SIMULATOR": self._simulator, "": self.server}[place]
        operation = self.document["paths"].get(path, {}).get(method.lower(), {}) if not place else {}
        media_type = next(iter(operation.get("requestBody", {}).get("content", {})), "application/json")
        credential = {"authorization": f"Bearer {self.account['api_key']}"} if place == "SIMULATOR" else {}
        if body is None or method in ("GET", "DELETE"):
            return self.send(method, base + self.path(path, body), None, None, {"x-payera-headers": credential})
        content = encoded(filled(body, self.names), media_type)
        known = operation.get("x-payera-headers", {}) | credential
        return self.send(method, base + self.path(path), content, media_type, {"x-payera-headers": known})


def _split(call: str) -> tuple[str, tuple[str, str]]:
    """`CONTROL POST /clock` → where, and (method, path)."""
    *place, method, path = call.split(" ")
    return (place[0] if place else ""), (method, path)


def example_of(operation: Json) -> tuple[str | None, Any]:
    """The media type and the example of an operation's body; (None, the query's example) where there is no body."""
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        return media_type, content.get("example", {})
    return None, operation.get("x-payera-example")
