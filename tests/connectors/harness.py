"""A connector against its simulator, over real sockets."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from typing import Any

from aiohttp import web

from gateway.connectors.http import HttpClient
from gateway.connectors.registry import Registry, discover
from gateway.domain.card import CardSecret, Cvv, Pan, Secret
from gateway.domain.ids import new_id
from gateway.domain.outcome import Approved, Outcome
from gateway.use_cases.ports import Connector, OperationKind, ProviderAccount, ProviderCall
from simulators.kit.testing import Sims, TestAccount

REGISTRY: Registry = discover(HttpClient())
VISA = "4242424242424242"
CVV = "737"
PREFIXES = {"authorize": "att", "capture": "cap", "void": "void", "refund": "ref"}


@dataclass
class Bench:
    """One provider: connector, fresh account, and calls as the gateway makes them."""

    slug: str
    connector: Connector
    account: TestAccount
    provider: ProviderAccount
    payment_id: str = field(default_factory=lambda: new_id("pay"))

    def call(self, kind: OperationKind, amount: int = 4200, **changed: Any) -> ProviderCall:
        return ProviderCall(
            account=self.provider,
            kind=kind,
            payment_id=self.payment_id,
            operation_id=new_id(PREFIXES[kind]),
            amount=amount,
            currency="EUR",
            timeout_s=1.0,
            **changed,
        )

    async def send(self, call: ProviderCall) -> Outcome:
        match call.kind:
            case "authorize":
                card = CardSecret(Pan(VISA), 12, 2030, Cvv(CVV), "Ada Lovelace")
                return await self.connector.authorize(call, card)
            case "capture":
                return await self.connector.capture(call)
            case "void":
                return await self.connector.void(call)
            case "refund":
                return await self.connector.refund(call)

    async def authorized(self, amount: int = 4200, *, capture: bool = False) -> str:
        """An approved authorization's reference at the PSP."""
        outcome = await self.send(self.call("authorize", amount, capture=capture))
        assert isinstance(outcome, Approved)
        return outcome.provider_reference

    async def ready(self, kind: OperationKind, amount: int = 4200) -> ProviderCall:
        """A call of this kind that the PSP will accept."""
        if kind == "authorize":
            return self.call(kind, amount)
        parent = await self.authorized(capture=kind == "refund")
        return self.call(kind, amount, parent_reference=parent)

    async def moved(self, call: ProviderCall) -> list[tuple[str, int]]:
        """Kind and amount of what the journal holds for one operation, or for its payment where the PSP has no mark."""
        entries = await self.account.journal()
        return [(entry["kind"], entry["amount"]) for entry in entries if entry["payment"] == call.payment_id]


@contextlib.asynccontextmanager
async def bench(sims: Sims, slug: str, **wanted: Any) -> AsyncIterator[Bench]:
    async with HttpClient() as http:
        account = await sims.account(slug, **wanted)
        credentials = {"api_key": Secret(account.api_key), "webhook_secret": Secret(account.webhook_secret)}
        provider = ProviderAccount("pa_1", slug, account.url, credentials)
        yield Bench(slug, discover(http).get(slug), account, provider)


@dataclass
class Sink:
    """Where a simulator's notifications arrive."""

    url: str
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def wait(self, come: Callable[[], bool], within_s: float = 5.0) -> None:
        """Until `come` is so."""
        deadline = asyncio.get_running_loop().time() + within_s
        while not come():
            assert asyncio.get_running_loop().time() < deadline, f"not among {len(self.received)} notifications"
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def sink() -> AsyncIterator[Sink]:
    opened = Sink("")

    async def receive(request: web.Request) -> web.Response:
        opened.received.append((dict(request.headers), await request.read()))
        return web.Response()

    app = web.Application()
    app.router.add_post("/", receive)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        opened.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        yield opened
    finally:
        await runner.cleanup()


def expired(call: ProviderCall) -> ProviderCall:
    """The same call with a fence that has fallen."""
    return replace(call, send_by_s=0.0)
