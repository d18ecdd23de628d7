"""A gateway without its HTTP door: real database, real Temporal, real worker, simulators in the test's own loop."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError

from gateway.adapters.clock import SystemClock
from gateway.adapters.egress import EgressPolicy
from gateway.adapters.failpoints import NoFailpoints
from gateway.adapters.keys import KeyRing, create_keys, load_keys
from gateway.adapters.postgres import Database as Store
from gateway.adapters.temporal import TemporalWorkflows, data_converter
from gateway.adapters.vault import EnvelopeVault
from gateway.connectors.http import HttpClient
from gateway.connectors.registry import discover
from gateway.domain.card import CardSecret, Cvv, Pan, Secret
from gateway.use_cases.create_merchant import CreateMerchant, create_merchant
from gateway.use_cases.create_payment import CreatePayment, create_payment
from gateway.use_cases.create_provider_account import CreateProviderAccount, create_provider_account
from gateway.use_cases.operate import Answer
from gateway.use_cases.ports import Ports, Timing
from gateway.use_cases.receive_webhook import ReceiveWebhook, receive_webhook
from gateway.use_cases.sweep import WakeOrders, sweep, wake_orders
from gateway.worker import build_worker
from simulators.kit.testing import Sims, TestAccount, running
from tests.parts import Database, Parts

VISA = "4242424242424242"
TIMING = Timing(psp_timeout_s=1.0, lease_s=1.6, answer_budget_s=4.0, cascade_window_s=30.0)
RESOLUTION = {"max_processing_s": 0.3, "index_lag_s": 0.2}
TEST_ROUTE = ("stripe", "dummypay")


@dataclass
class World:
    """What a test of the flows works with."""

    ports: Ports
    keys: KeyRing
    client: Client
    sims: Sims
    task_queue: str
    tasks: list[asyncio.Task[Any]] = field(default_factory=list)

    async def shop(self, *route: str, max_fallbacks: int = 1, **account: Any) -> "Shop":
        """A fresh merchant with a fresh account at every provider of the route."""
        made = await create_merchant(self.ports, self.keys, CreateMerchant("shop", "test"))
        accounts, ids = {}, {}
        for slug in route or TEST_ROUTE:
            accounts[slug] = await self.sims.account(slug, **account)
            view = await create_provider_account(
                self.ports,
                EgressPolicy(test=True),
                CreateProviderAccount(
                    made["id"],
                    slug,
                    accounts[slug].url,
                    {
                        "api_key": Secret(accounts[slug].api_key),
                        "webhook_secret": Secret(accounts[slug].webhook_secret),
                    },
                    {"resolution": RESOLUTION, **accounts[slug].view.get("settings", {})},
                    test=True,
                ),
            )
            ids[slug] = view["id"]
        await self.ports.store.call(
            "routing_set_v1",
            made["id"],
            {"providers": list(route or TEST_ROUTE), "max_fallbacks": max_fallbacks, "at": now(self)},
        )
        return Shop(self, made["id"], accounts, ids)

    @contextlib.asynccontextmanager
    async def relay(self) -> AsyncIterator[None]:
        """What the relay does for flows: sweep and carry out orders."""

        async def loop() -> None:
            while True:
                await sweep(self.ports.store, self.ports.clock)
                await wake_orders(self.ports.store, self.ports.workflows, WakeOrders(relay="test"))
                await asyncio.sleep(0.05)

        task = asyncio.create_task(loop())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


@dataclass
class Shop:
    """One merchant in the world. `accounts` are the simulators' accounts, `ids` the gateway's provider accounts."""

    world: World
    merchant: str
    accounts: dict[str, TestAccount]
    ids: dict[str, str]

    async def pay(self, amount: int = 4200, *, pan: str = VISA, capture: str = "automatic", **more: Any) -> Answer:
        card = CardSecret(Pan(pan), 12, 2030, Cvv("123"), "Ada Lovelace")
        return await create_payment(
            self.world.ports,
            CreatePayment(self.merchant, amount, "EUR", card=card, capture_method=capture, **more),  # type: ignore[arg-type]  # a test's word
        )

    async def payment(self, payment_id: str) -> dict[str, Any]:
        return await self.call("payment_get_v1", payment_id=payment_id)

    async def operations(self, payment_id: str) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = (await self.call("payment_operations_v1", payment_id=payment_id))["data"]
        return listed

    async def attempts(self, payment_id: str) -> list[tuple[str, str, list[str]]]:
        """Provider, status and outcomes of each attempt, in order."""
        listed = (await self.call("payment_attempts_v1", payment_id=payment_id))["data"]
        return [(item["provider"], item["status"], item["outcomes"]) for item in listed]

    async def journal(self, slug: str) -> list[tuple[str, int]]:
        return [(entry["kind"], entry["amount"]) for entry in await self.accounts[slug].journal()]

    async def events(self, payment_id: str) -> list[str]:
        """The types of the payment's events, in order."""
        listed = (await self.call("event_list_v1", limit=100))["data"]
        mine = [event for event in listed if event["subject"] == payment_id]
        return [event["type"] for event in sorted(mine, key=lambda event: event["sequence"])]

    async def call(self, function: str, **p: Any) -> Any:
        return await self.world.ports.store.call(function, self.merchant, p)

    async def until(self, payment_id: str, *statuses: str, within_s: float = 15.0) -> dict[str, Any]:
        """The payment once it has one of these statuses."""

        async def look() -> dict[str, Any] | None:
            payment = await self.payment(payment_id)
            return payment if payment["status"] in statuses else None

        return await until(look, within_s)

    async def webhook(self, slug: str, headers: dict[str, str], body: bytes) -> dict[str, Any]:
        return await receive_webhook(self.world.ports, ReceiveWebhook(slug, self.ids[slug], headers, body))

    async def workflow_over(self, payment_id: str, within_s: float = 10.0) -> None:
        """Wait until the payment's workflow has completed."""
        handle = self.world.client.get_workflow_handle(payment_id)

        async def look() -> bool:
            try:
                return (await handle.describe()).status == WorkflowExecutionStatus.COMPLETED
            except RPCError:
                return False

        await until(look, within_s)


def now(world: World) -> str:
    return world.ports.clock.now().isoformat()


async def until(look: Callable[[], Awaitable[Any]], within_s: float) -> Any:
    """The first true value of `look`, asked again and again; fails with the deadline."""
    deadline = asyncio.get_running_loop().time() + within_s
    while not (value := await look()):
        assert asyncio.get_running_loop().time() < deadline, f"not within {within_s} s"
        await asyncio.sleep(0.03)
    return value


@contextlib.asynccontextmanager
async def open_world(parts: Parts, database: Database, folder: Path, *, worker: bool = True) -> AsyncIterator[World]:
    """Everything up; `worker=False` leaves the worker to the test."""
    create_keys(folder)
    keys = load_keys(folder)
    task_queue = f"test-{uuid.uuid4().hex[:12]}"
    async with contextlib.AsyncExitStack() as stack:
        store = await stack.enter_async_context(Store(database.app, database.system))
        http = await stack.enter_async_context(HttpClient(EgressPolicy(test=True).check_url))
        sims = await stack.enter_async_context(running())
        client = await Client.connect(parts.temporal, namespace="payera", data_converter=data_converter(keys.codec))
        ports = Ports(
            store=store,
            vault=EnvelopeVault(keys, store, test_only=True),
            connectors=discover(http),
            workflows=TemporalWorkflows(client, task_queue),
            clock=SystemClock(),
            timing=TIMING,
            failpoints=NoFailpoints(),
        )
        if worker:
            await stack.enter_async_context(build_worker(client, task_queue, ports))
        yield World(ports, keys, client, sims, task_queue)


GRACE = timedelta(seconds=5)
