"""HTTP to the gateway and to the simulators' control plane, with a record of every call to the gateway.

The record is evidence: what a client was told, byte for byte, is one of the things the invariants judge (INV-11).
"""

import json
import time
from dataclasses import dataclass, field
from typing import Any

import aiohttp

CALL_TIMEOUT_S = 30.0
"""Longer than the gateway's own budget for an answer: running into this means that the gateway hung."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request to the gateway and its answer. `status` is None where the connection broke: nobody knows then."""

    method: str
    path: str
    key: str | None
    body: bytes
    started: float
    ended: float
    status: int | None
    answer: bytes
    replayed: bool = False
    retry_after: str | None = None
    error: str | None = None

    @property
    def json(self) -> dict[str, Any]:
        """The answer as an object; empty where there was none or it was no object."""
        try:
            value = json.loads(self.answer)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}


class Unexpected(Exception):
    """The environment answered the runner's own housekeeping (not a scenario's step) in an unexpected way."""


@dataclass(slots=True)
class Gateway:
    """One merchant's client. Every call is kept in `calls`."""

    session: aiohttp.ClientSession
    url: str
    secret_key: str
    calls: list[Call] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)

    async def call(self, method: str, path: str, body: dict[str, Any] | None = None, key: str | None = None) -> Call:
        """One request. Never raises for what the gateway or the network does: a broken connection is a `Call` too."""
        return await self.call_raw(method, path, b"" if body is None else json.dumps(body).encode(), key)

    async def call_raw(self, method: str, path: str, body: bytes, key: str | None) -> Call:
        """As `call`, with the bytes of the body given: a retry must send the very same ones."""
        headers = {"Authorization": f"Bearer {self.secret_key}", **self.headers}
        if body:
            headers["Content-Type"] = "application/json"
        if key is not None:
            headers["Idempotency-Key"] = key
        started = time.time()
        try:
            async with self.session.request(
                method,
                self.url + path,
                data=body or None,
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=CALL_TIMEOUT_S),
            ) as response:
                answer = await response.read()
                call = Call(
                    method,
                    path,
                    key,
                    body,
                    started,
                    time.time(),
                    response.status,
                    answer,
                    replayed=response.headers.get("Idempotent-Replayed") == "true",
                    retry_after=response.headers.get("Retry-After"),
                )
        except (aiohttp.ClientError, TimeoutError) as error:
            call = Call(method, path, key, body, started, time.time(), None, b"", error=repr(error))
        self.calls.append(call)
        return call

    async def get(self, path: str) -> dict[str, Any]:
        """A read that must succeed. Raises `Unexpected` otherwise."""
        call = await self.call("GET", path)
        if call.status != 200:
            raise Unexpected(f"GET {path} answered {call.status}: {call.answer[:300]!r} {call.error or ''}")
        return call.json

    async def post(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """A write of the runner's own set-up that must succeed. Raises `Unexpected` otherwise."""
        call = await self.call(method, path, body)
        if call.status is None or call.status >= 300:
            raise Unexpected(f"{method} {path} answered {call.status}: {call.answer[:500]!r} {call.error or ''}")
        return call.json


@dataclass(frozen=True, slots=True)
class Control:
    """The simulators' control plane."""

    session: aiohttp.ClientSession
    url: str

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """One call that must succeed; returns the parsed answer. Raises `Unexpected` otherwise."""
        timeout = aiohttp.ClientTimeout(total=CALL_TIMEOUT_S)
        try:
            async with self.session.request(method, self.url + path, json=body, timeout=timeout) as response:
                answer = await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unexpected(f"control plane, {method} {path}: {error!r}") from error
        if response.status >= 300:
            raise Unexpected(f"control plane, {method} {path} answered {response.status}: {answer[:500]!r}")
        return json.loads(answer) if answer else None


@dataclass(frozen=True, slots=True)
class Account:
    """A scenario's own account at one simulator, and the gateway's account that points at it."""

    control: Control
    provider: str
    id: str
    url: str
    api_key: str
    webhook_secret: str
    gateway_account: str = ""

    @property
    def path(self) -> str:
        """Where the control plane keeps it."""
        return f"/v1/{self.provider}/accounts/{self.id}"

    async def add_fault(self, rule: dict[str, Any]) -> None:
        """Add one fault rule; the first that matches wins."""
        await self.control.call("POST", f"{self.path}/faults", rule)

    async def clear_faults(self) -> None:
        """Remove every fault rule."""
        await self.control.call("DELETE", f"{self.path}/faults")

    async def journal(self) -> list[dict[str, Any]]:
        """Money moved, in order."""
        return list((await self.control.call("GET", f"{self.path}/journal"))["entries"])

    async def requests(self) -> list[dict[str, Any]]:
        """Every request the simulator has received, in order; card data masked."""
        return _listed(await self.control.call("GET", f"{self.path}/requests"), "requests")

    async def webhooks(self) -> list[dict[str, Any]]:
        """Notifications sent or due, with their state."""
        return _listed(await self.control.call("GET", f"{self.path}/webhooks"), "webhooks")


def _listed(answer: Any, name: str) -> list[dict[str, Any]]:
    """The control plane wraps some lists in an object, under the resource's own name or `data`."""
    if isinstance(answer, list):
        return answer
    for key in (name, "data", "entries", "deliveries"):
        if key in answer:
            return list(answer[key])
    raise Unexpected(f"control plane: no list of {name} in {sorted(answer)}")
