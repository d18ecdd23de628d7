"""A client of dummypay and a receiver of notifications, both over real sockets."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

from simulators.kit.testing import TestAccount

Json = dict[str, Any]
VISA = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2030, "cvc": "123", "name": "A. Shopper"}


@dataclass(slots=True)
class Said:
    """An answer, read to its end."""

    status: int
    body: Any
    raw: bytes
    headers: dict[str, str]


class Shop:
    """One client of one dummypay account. Connections are pooled, as a gateway's are."""

    def __init__(self, account: TestAccount, session: aiohttp.ClientSession) -> None:
        self.account = account
        self._session = session

    async def call(self, method: str, path: str, body: Any = None, key: str | None = None, **headers: str) -> Said:
        """One call; raises what aiohttp raises when the wire fails."""
        sent = {"authorization": f"Bearer {self.account.api_key}"} | {
            k.replace("_", "-"): v for k, v in headers.items()
        }
        if key is not None:
            sent["idempotency-key"] = key
        async with self._session.request(method, self.account.url + path, json=body, headers=sent) as answer:
            raw = await answer.read()
            parsed = await answer.json() if raw else None
            return Said(answer.status, parsed, raw, {k.lower(): v for k, v in answer.headers.items()})

    async def charge(self, amount: int = 4200, key: str | None = None, **fields: Any) -> Said:
        """POST /v1/charges with a good card and EUR unless told otherwise."""
        headers = fields.pop("headers", {})
        body = {"amount": amount, "currency": "EUR", "card": VISA, "reference": "att_1", "payment": "pay_1", **fields}
        return await self.call("POST", "/v1/charges", body, key, **headers)

    async def capture(self, charge: str, key: str | None = None, **fields: Any) -> Said:
        return await self.call("POST", f"/v1/charges/{charge}/capture", fields, key)

    async def void(self, charge: str, key: str | None = None, **fields: Any) -> Said:
        return await self.call("POST", f"/v1/charges/{charge}/void", fields, key)

    async def refund(self, charge: str, key: str | None = None, **fields: Any) -> Said:
        return await self.call("POST", f"/v1/charges/{charge}/refunds", fields, key)

    async def find(self, reference: str) -> list[Json]:
        """The charges with that reference."""
        found: list[Json] = (await self.call("GET", f"/v1/charges?reference={reference}")).body["data"]
        return found

    async def moved(self) -> list[tuple[str, int]]:
        """The journal as (kind, amount)."""
        return [(entry["kind"], entry["amount"]) for entry in await self.account.journal()]


@asynccontextmanager
async def shop_at(account: TestAccount, timeout_s: float = 10.0) -> AsyncIterator[Shop]:
    """A client with connections of its own."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=timeout_s)) as session:
        yield Shop(account, session)


@dataclass(slots=True)
class Received:
    """One notification as it came."""

    body: Json
    raw: bytes
    headers: dict[str, str]

    @property
    def type(self) -> str:
        return str(self.body["type"])

    def signed_by(self, secret: str) -> tuple[bool, int]:
        """Whether Dummypay-Signature was made with `secret`, and the time it states."""
        parts = dict(part.split("=", 1) for part in self.headers["dummypay-signature"].split(","))
        stamp = parts["t"]
        wanted = hmac.new(secret.encode(), stamp.encode() + b"." + self.raw, hashlib.sha256).hexdigest()
        return hmac.compare_digest(wanted, parts["v1"]), int(stamp)


@dataclass(slots=True)
class Receiver:
    """A merchant's endpoint: keeps what comes and answers as told (`answer` gives a status per attempt, from 0)."""

    url: str = ""
    got: list[Received] = field(default_factory=list)
    answer: Callable[[int], int] = lambda attempt: 200
    news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def _take(self, request: web.Request) -> web.Response:
        raw = await request.read()
        number = len(self.got)
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.got.append(Received(await request.json(), raw, headers))
        async with self.news:
            self.news.notify_all()
        return web.Response(status=self.answer(number))

    async def wait(self, count: int, within_s: float = 10.0) -> list[Received]:
        """Wait for `count` notifications in all; raises TimeoutError."""
        async with asyncio.timeout(within_s), self.news:
            await self.news.wait_for(lambda: len(self.got) >= count)
        return self.got

    def types(self) -> list[str]:
        return [one.type for one in self.got]


@asynccontextmanager
async def receiver() -> AsyncIterator[Receiver]:
    """An endpoint on a port of its own."""
    taking = Receiver()
    application = web.Application()
    application.router.add_post("/hooks", taking._take)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]  # aiohttp types it as AbstractServer
    taking.url = f"http://127.0.0.1:{port}/hooks"
    try:
        yield taking
    finally:
        await runner.cleanup()


async def unused_port() -> int:
    """A port on which nobody listens just now."""
    server = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return port
