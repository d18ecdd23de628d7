"""A simulator whose answers and notifications call one field otherwise: how a PSP's change is planted."""

import dataclasses
import json
from collections.abc import MutableMapping
from typing import Any

from contracts.kit.simulated import Change
from simulators.kit.accounts import World
from simulators.kit.spec import AsgiApp, Receive, Scope, Send, Signed, SimulatorSpec


def renamed(value: Any, name: str) -> Any:
    """The same JSON with every field `name` called `<name>_renamed`."""
    if isinstance(value, dict):
        return {f"{key}_renamed" if key == name else key: renamed(item, name) for key, item in value.items()}
    return [renamed(item, name) for item in value] if isinstance(value, list) else value


def _in_bytes(body: bytes, name: str) -> bytes:
    try:
        return json.dumps(renamed(json.loads(body), name)).encode()
    except ValueError:
        return body


class _Renaming:
    """The application, with the answers changed on their way out."""

    def __init__(self, app: AsgiApp, name: str) -> None:
        self._app, self._name = app, name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start: MutableMapping[str, Any] = {}
        body = b""

        async def changed(message: MutableMapping[str, Any]) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                start = message
                return
            body += message.get("body", b"")
            if message.get("more_body"):
                return
            other = _in_bytes(body, self._name)
            headers = [(key, value) for key, value in start["headers"] if key != b"content-length"]
            await send({**start, "headers": [*headers, (b"content-length", str(len(other)).encode())]})
            await send({"type": "http.response.body", "body": other})

        await self._app(scope, receive, changed)


def renaming(slug: str, name: str) -> Change:
    """The change that renames `name` in what `slug` answers and notifies; other simulators stay as they are."""

    def change(spec: SimulatorSpec) -> SimulatorSpec:
        if spec.slug != slug:
            return spec
        sign = spec.dialect.sign

        def build(world: World) -> AsgiApp:
            return _Renaming(spec.build(world), name)

        def signed(secret: str, body: bytes, now_s: int) -> Signed:
            assert sign is not None
            return sign(secret, _in_bytes(body, name), now_s)

        dialect = dataclasses.replace(spec.dialect, sign=None if sign is None else signed)
        return dataclasses.replace(spec, build=build, dialect=dialect)

    return change
