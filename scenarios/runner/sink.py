"""The merchants' side of webhooks: one server for all scenarios, which checks each delivery's signature itself.

The check is written here from the Standard Webhooks specification (signed content `id.timestamp.body`, HMAC-SHA256,
key = base64 after `whsec_`, header `v1,<base64>` with possibly several signatures), not taken from the gateway's code.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

TOLERANCE_S = 300
"""How far a delivery's timestamp may be from now, either way (Standard Webhooks recommends five minutes)."""


@dataclass(frozen=True, slots=True)
class Received:
    """One delivery. `fault` says what is wrong with its signature or headers; None for a good one."""

    at: float
    id: str
    body: bytes
    answered: int
    fault: str | None
    headers: Mapping[str, str] = field(default_factory=dict)
    """As they came, names in lower case."""

    @property
    def event(self) -> dict[str, Any]:
        """The event inside; empty if the body is no JSON object."""
        try:
            value = json.loads(self.body)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}


def signature_fault(secret: str, headers: Mapping[str, str], body: bytes, now: float) -> str | None:
    """What is wrong with a signed delivery, or None. `now` is in seconds since the epoch."""
    try:
        identifier, timestamp = headers["webhook-id"], headers["webhook-timestamp"]
        given = headers["webhook-signature"]
    except KeyError as missing:
        return f"header {missing} is missing"
    if not timestamp.isdigit():
        return f"webhook-timestamp {timestamp!r} is no whole number of seconds"
    if abs(now - int(timestamp)) > TOLERANCE_S:
        return f"webhook-timestamp {timestamp} is more than {TOLERANCE_S} s away from {now:.0f}"
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mac = hmac.new(key, b".".join((identifier.encode(), timestamp.encode(), body)), hashlib.sha256).digest()
    wanted = "v1," + base64.b64encode(mac).decode()
    if not any(hmac.compare_digest(wanted, one) for one in given.split(" ")):
        return f"no signature in {given!r} is valid"
    return None


@dataclass(slots=True)
class Box:
    """One merchant's endpoint: its secret, how it answers, what it has received."""

    secret: str | None = None
    answers: list[int] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)


class Sink:
    """One HTTP server; each merchant has a path of its own. It listens on `bind`, which the gateway knows as `host`."""

    def __init__(self, bind: str = "127.0.0.1", host: str | None = None) -> None:
        self._bind = bind
        self._host = host or bind
        self.boxes: dict[str, Box] = defaultdict(Box)
        self.changed = asyncio.Condition()
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def start(self) -> None:
        """Listen on a free port."""
        app = web.Application()
        app.router.add_post("/{box}", self._take)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._bind, 0)
        await site.start()
        self.url = f"http://{self._host}:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Close the server and its connections."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        box = self.boxes[request.match_info["box"]]
        body = await request.read()
        now = time.time()
        fault = signature_fault(box.secret, request.headers, body, now) if box.secret else "the secret is not known yet"
        status = box.answers.pop(0) if box.answers else 200
        headers = {name.lower(): value for name, value in request.headers.items()}
        box.received.append(Received(now, headers.get("webhook-id", ""), body, status, fault, headers))
        async with self.changed:
            self.changed.notify_all()
        return web.Response(status=status)
