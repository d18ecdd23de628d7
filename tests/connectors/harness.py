"""A connector against its simulator, over real sockets."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from aiohttp import web

from gateway.connectors.http import HttpClient
from gateway.connectors.registry import Registry, discover
from gateway.domain.card import CardSecret, Cvv, Pan, Secret
from gateway.domain.ids import new_id
from gateway.domain.outcome import Approved, Outcome, Pending
from gateway.use_cases.ports import Connector, OperationKind, ProviderAccount, ProviderCall, WebhookFact
from simulators.kit.testing import Sims, TestAccount, eventually

REGISTRY: Registry = discover(HttpClient())
VISA = "4242424242424242"
CVV = "737"
PREFIXES = {"authorize": "att", "capture": "cap", "void": "void", "refund": "ref"}
WITHIN_S = 5.0

RELEASING = {"adyen": {"partial_captures": "single"}}
"""Settings of an account whose provider releases the rest after a capture, where that is the account's to say."""


@dataclass
class Bench:
    """One provider: connector, fresh account, and calls as the gateway makes them. Notifications come to `inbox`."""

    slug: str
    connector: Connector
    account: TestAccount
    provider: ProviderAccount
    inbox: "Sink"
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

    async def done(self, call: ProviderCall) -> Outcome:
        """Send, and wait for what comes of it where the provider only accepts at first."""
        return await self.settled(call, await self.send(call))

    async def settled(self, call: ProviderCall, outcome: Outcome) -> Outcome:
        """What an accepted call came to: by the notification where it is the truth, else by reading."""
        if not isinstance(outcome, Pending):
            return outcome
        if self.connector.spec.webhook_is_truth:
            return await self.told(call)
        known = replace(call, provider_reference=outcome.provider_reference)
        deadline = asyncio.get_running_loop().time() + WITHIN_S
        while isinstance(found := await self.connector.read(known), Pending):
            assert asyncio.get_running_loop().time() < deadline, "still pending"
            await asyncio.sleep(0.01)
        return found

    def facts(self) -> Iterator[WebhookFact]:
        """What the notifications so far say. Signatures carry real time, not the account's."""
        for headers, body in self.inbox.received:
            yield from self.connector.verify_webhook(headers, body, self.provider, time.time())

    async def notified(self, call: ProviderCall) -> WebhookFact:
        """The first notification that names this operation, once it has come."""
        named: list[WebhookFact] = []

        def come() -> bool:
            named[:] = [fact for fact in self.facts() if fact.operation_id == call.operation_id]
            return bool(named)

        await self.inbox.wait(come, WITHIN_S)
        return named[0]

    async def quiet(self) -> None:
        """Until every notification was tried: none is on its way when the inbox closes."""

        async def tried() -> bool:
            return all(delivery["attempts"] for delivery in await self.account.deliveries())

        await eventually(tried, WITHIN_S)

    async def told(self, call: ProviderCall) -> Outcome:
        """What a notification says became of this operation."""
        outcome = (await self.notified(call)).outcome
        assert outcome is not None, "the connector's webhook is the truth and says nothing"
        return outcome

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
async def bench(
    sims: Sims, slug: str, *, connector: Callable[[HttpClient], Connector] | None = None, **wanted: Any
) -> AsyncIterator[Bench]:
    """`connector` builds another connector than the registry's; `wanted` is for the control plane."""
    async with HttpClient() as http, sink() as inbox:
        account = await sims.account(slug, **wanted)
        await account.control("PUT", "/webhook", {"url": inbox.url})
        made = connector(http) if connector is not None else discover(http).get(slug)
        yield Bench(slug, made, account, provider_account(account), inbox)


def provider_account(account: TestAccount, **credentials: str) -> ProviderAccount:
    """A simulator's account as the gateway holds it; `credentials` replace its own."""
    known = {"api_key": account.api_key, "webhook_secret": account.webhook_secret} | credentials
    secrets = {name: Secret(value) for name, value in known.items()}
    return ProviderAccount("pa_1", account.slug, account.url, secrets, account.view.get("settings", {}))


def unsigned(headers: dict[str, str], body: bytes) -> tuple[dict[str, str], bytes]:
    """A notification without its signature, wherever the provider puts it."""
    kept = {name: value for name, value in headers.items() if "signature" not in name.lower()}
    return kept, json.dumps(_without_signature(json.loads(body))).encode()


def _without_signature(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_signature(item) for name, item in value.items() if "signature" not in name.lower()}
    return [_without_signature(item) for item in value] if isinstance(value, list) else value


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
