"""What the tests of relay, dispatcher and reporting stand on: payments by SQL alone, processes, a merchant's sink."""

import asyncio
import json
import sys
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
from aiohttp import web
from confluent_kafka import Consumer, TopicPartition

from compose.embedded.http import answers
from compose.embedded.ports import Ports
from compose.embedded.process import Child, Spec
from gateway.adapters.keys import create_keys, load_keys
from gateway.adapters.postgres import Database
from gateway.adapters.vault import EnvelopeVault
from gateway.domain.ids import new_id
from gateway.use_cases.manage_webhook_endpoints import WEBHOOK_SECRET
from tests import parts as real

ROOT = Path(__file__).parents[2]
DEADLINE_S = 20.0
SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="

Json = dict[str, Any]
T = TypeVar("T")


async def until(look: Callable[[], Awaitable[T]], within_s: float = DEADLINE_S) -> T:
    """The first truthy answer of `look`. Fails with the last one."""
    deadline = time.monotonic() + within_s
    while True:
        answer = await look()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"still {answer!r} after {within_s} s"
        await asyncio.sleep(0.03)


@dataclass
class Books:
    """The database from all three sides, and a keys folder. `topic` is this test's own."""

    dsns: real.Database
    kafka: str
    temporal: str
    folder: Path
    store: Database
    admin: "asyncpg.Connection[asyncpg.Record]"
    topic: str = field(default_factory=lambda: f"payera.test.{uuid.uuid4().hex[:12]}")
    ports: Ports = field(default_factory=Ports)

    @property
    def vault(self) -> EnvelopeVault:
        return EnvelopeVault(load_keys(self.folder / "keys"), self.store, test_only=True)

    async def rows(self, query: str, *arguments: object) -> list[Json]:
        return [dict(row) for row in await self.admin.fetch(query, *arguments)]

    async def value(self, query: str, *arguments: object) -> Any:
        return await self.admin.fetchval(query, *arguments)

    async def merchant(self) -> str:
        """A merchant with one provider account, a route and a token named after it."""
        merchant, account = new_id("mer"), new_id("pa")
        at = datetime.now(UTC).isoformat()
        await self.store.system("merchant_create_v1", {"merchant_id": merchant, "name": "Shop", "keys": [], "at": at})
        await self.store.call(
            "provider_account_create_v1",
            merchant,
            {"account_id": account, "provider": "dummypay", "base_url": "http://127.0.0.1:1", "settings": {}, "at": at}
            | {"credentials_ciphertext": "-", "key_id": "-"},
        )
        await self.store.call("routing_set_v1", merchant, {"providers": ["dummypay"], "max_fallbacks": 0, "at": at})
        return merchant

    async def begin(self, merchant: str, amount: int = 4200, lease_ms: int = 3000) -> tuple[str, str]:
        """A payment whose first attempt is dispatched: (payment id, operation id)."""
        at = datetime.now(UTC)
        payment, operation, token = new_id("pay"), new_id("att"), new_id("tok")
        card = {"token_id": token, "ciphertext": "-", "key_id": "-", "fingerprint": token, "bin": "424242"}
        card |= {"last4": "4242", "brand": "visa", "exp_month": 12, "exp_year": 2030}
        p = {"payment_id": payment, "operation_id": operation, "event_id": new_id("evt"), "amount": amount}
        p |= {"currency": "EUR", "capture_method": "automatic", "metadata": {}, "card": card, "at": at.isoformat()}
        p |= {"send_within_ms": 2000, "lease_ms": lease_ms}
        p |= {"cascade_until": (at + timedelta(seconds=60)).isoformat()}
        begun = await self.store.call("payment_begin_v1", merchant, p)
        assert begun["result"] == "begun"
        return payment, operation

    async def pay(self, merchant: str, amount: int = 4200) -> str:
        """A captured payment, its id: two events, payment.created and payment.captured."""
        payment, operation = await self.begin(merchant, amount)
        outcome = {"kind": "approved", "provider_reference": f"ch_{operation}", "amount": amount, "currency": "EUR"}
        p = {"operation_id": operation, "epoch": 1, "outcome": outcome | {"captured": True}, "cascade": False}
        p |= {"at": datetime.now(UTC).isoformat(), "source": "inline", "order_id": new_id("ord")}
        applied = await self.store.call(
            "payment_apply_v1", merchant, p | {"event_ids": [new_id("evt") for _ in "abcd"]}
        )
        assert applied["payment"]["status"] == "captured", applied
        return payment

    async def endpoint(self, merchant: str, url: str, events: tuple[str, ...] = ("*",)) -> str:
        """A webhook endpoint whose secret is `SECRET`, its id."""
        endpoint = new_id("we")
        ciphertext, key_id = await self.vault.seal_text(merchant, endpoint, WEBHOOK_SECRET, SECRET)
        p = {"endpoint_id": endpoint, "url": url, "enabled_events": list(events), "secret_ciphertext": ciphertext}
        p |= {"key_id": key_id, "at": datetime.now(UTC).isoformat()}
        await self.store.call("webhook_endpoint_create_v1", merchant, p)
        return endpoint

    async def lag(self) -> int:
        return int((await self.store.system("outbox_lag_v1", {}))["unsent"])

    def spec(self, name: str, **more: str) -> Spec:
        """One process of the gateway over these parts."""
        port = self.ports.take()
        env = {
            "PAYERA_PROFILE": "test",
            "PAYERA_DATABASE": self.dsns.app,
            "PAYERA_SYSTEM_DATABASE": self.dsns.system,
            "PAYERA_TEMPORAL": self.temporal,
            "PAYERA_KAFKA": self.kafka,
            "PAYERA_TOPIC": self.topic,
            "PAYERA_TASK_QUEUE": self.topic,
            "PAYERA_KEYS": str(self.folder / "keys"),
            "PAYERA_PORT": str(port),
            "PAYERA_PSP_TIMEOUT_S": "0.5",
            "PAYERA_LEASE_S": "1",
            "PAYERA_WEBHOOK_SCHEDULE": "0,1,2,3",
        }
        url = f"http://127.0.0.1:{port}/healthz"
        argv = (sys.executable, "-m", f"gateway.{name}")
        return Spec(name=name, argv=argv, healthy=lambda: answers(url), env=env | more, cwd=ROOT, port=port)

    @asynccontextmanager
    async def running(self, name: str, *, healthy: bool = True, **more: str) -> AsyncIterator[Child]:
        """Run that process; on the way out it must end by SIGTERM with 0, unless the test ended it."""
        child = Child(self.spec(name, **more), self.folder / f"{name}-{uuid.uuid4().hex[:6]}.log")
        try:
            if healthy:
                await asyncio.to_thread(child.wait_healthy)
            yield child
            if child.exit_code() is None:
                assert await asyncio.to_thread(child.stop) == 0, child.log.read_text()
        finally:
            await asyncio.to_thread(child.stop)


@asynccontextmanager
async def open_books(dsns: real.Database, parts: real.Parts, folder: Path) -> AsyncIterator[Books]:
    create_keys(folder / "keys")
    admin = await asyncpg.connect(dsns.superuser)
    try:
        async with Database(app=dsns.app, system=dsns.system) as store:
            books = Books(dsns, parts.kafka, parts.temporal, folder, store, admin)
            try:
                yield books
            finally:
                books.ports.release()
    finally:
        await admin.close()


def read_topic(bootstrap: str, topic: str) -> list[Json]:
    """Every event of the topic, from the start, partition by partition."""
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": "test", "enable.auto.commit": False, "log_level": 0}
    )
    try:
        partitions = consumer.list_topics(topic, timeout=5).topics[topic].partitions
        wanted: dict[int, int] = {}
        for number in partitions:
            _, wanted[number] = consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=5)
        found: list[tuple[int, int, Json]] = []
        consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
        deadline = time.monotonic() + DEADLINE_S
        while len(found) < sum(wanted.values()):
            assert time.monotonic() < deadline, f"{len(found)} of {wanted}"
            for message in consumer.consume(500, 0.1):
                value = message.value()
                assert message.error() is None
                assert value is not None
                event = json.loads(value)
                assert message.key() == event["subject"].encode()
                found.append((message.partition() or 0, message.offset() or 0, event))
        return [event for _, _, event in sorted(found, key=lambda place: place[:2])]
    finally:
        consumer.close()


def sequences(events: list[Json]) -> dict[str, list[int]]:
    """Per payment, the sequence numbers in the order in which they stand in the topic."""
    found: dict[str, list[int]] = {}
    for event in events:
        found.setdefault(event["subject"], []).append(event["sequence"])
    return found


def first_times(numbers: list[int]) -> list[int]:
    """Without repetitions, in the order of first appearance: what a consumer that deduplicates sees."""
    return list(dict.fromkeys(numbers))


@dataclass
class Sink:
    """A merchant's server. `script` gives the statuses for a path, in order; its last one stays. Default: 200."""

    url: str = ""
    script: dict[str, list[int]] = field(default_factory=dict)
    slow_s: dict[str, float] = field(default_factory=dict)
    received: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    def of(self, path: str) -> list[tuple[dict[str, str], bytes]]:
        return [(headers, body) for where, headers, body in self.received if where == path]

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.received.append((request.path, {k.lower(): v for k, v in request.headers.items()}, body))
        await asyncio.sleep(self.slow_s.get(request.path, 0))
        statuses = self.script.get(request.path, [])
        status = statuses.pop(0) if len(statuses) > 1 else statuses[0] if statuses else 200
        return web.Response(status=status, headers={"Location": f"{self.url}/elsewhere"} if status == 302 else None)


@asynccontextmanager
async def open_sink() -> AsyncIterator[Sink]:
    sink = Sink()
    app = web.Application()
    app.router.add_post("/{tail:.*}", sink.answer)
    app.router.add_get("/{tail:.*}", sink.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        sink.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield sink
    finally:
        await runner.cleanup()
