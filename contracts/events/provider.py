"""Real events: a throwaway PostgreSQL with the project's schema, and the stored procedures that the gateway calls."""

import asyncio
import base64
import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from compose.embedded.ports import Ports
from compose.embedded.postgres import FOR_TESTS, Postgres
from compose.embedded.process import Child
from compose.embedded.shared import temporary_root
from gateway.adapters.postgres import Database
from gateway.domain.card import Secret
from gateway.domain.ids import new_id
from gateway.use_cases.deliver_webhook import Answer, Schedule, deliver_webhook
from sql.migrate import apply as migrate

Json = dict[str, Any]
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LEASE = {"send_within_ms": 5_000, "lease_ms": 10_000}
SECRET = "whsec_" + base64.b64encode(b"a secret of the contract's own..").decode()
AMOUNT = 4200


@contextlib.contextmanager
def database() -> Iterator[Postgres]:
    """A migrated PostgreSQL of our own, not durable, gone with the block. Its database is `payera`."""
    ports = Ports()
    with tempfile.TemporaryDirectory(dir=temporary_root(), prefix="payera-contracts-") as folder:
        postgres = Postgres(Path(folder) / "postgres", ports.take(), settings=tuple(FOR_TESTS.items()))
        postgres.prepare()
        child = Child(postgres.spec(), Path(folder) / "postgres.log")
        try:
            child.wait_healthy()
            asyncio.run(_migrate(postgres.dsn("payera")))
            yield postgres
        finally:
            child.stop()
            ports.release()


async def _migrate(dsn: str) -> None:
    await migrate(dsn)


def real_events(postgres: Postgres) -> dict[str, Json]:
    """One event of each type, as committed: the last one of that type that the stories below produce."""
    return asyncio.run(_real_events(postgres.dsn("payera", "payera_app"), postgres.dsn("payera", "payera_relay")))


async def _real_events(app: str, system: str) -> dict[str, Json]:
    async with Database(app=app, system=system) as opened:
        story = _Story(opened)
        await story.open()
        # Of a type that comes more than once the last one counts: a payment that goes back, from first to last.
        for tell in (
            story.is_held_again, story.succeeds, story.ends, story.waits, story.is_doubled, story.is_disputed,
            story.goes_back,
        ):  # fmt: skip
            await tell()
        listed = await story.call("event_list_v1", limit=100)
        return {event["type"]: event for event in sorted(listed["data"], key=lambda event: str(event["time"]))}


@dataclass(slots=True)
class _Story:
    """One merchant's payments, each told to its end by the calls that the use cases make."""

    database: Database
    merchant: str = field(default_factory=lambda: new_id("mer"))
    second: int = 0

    async def call(self, function: str, **p: Any) -> Any:
        return await self.database.call(function, self.merchant, p)

    def _at(self) -> str:
        """Business time goes on by a second with every call."""
        self.second += 1
        return (NOON + timedelta(seconds=self.second)).isoformat()

    async def open(self) -> None:
        keys = [{"key_id": new_id("key"), "kind": "secret", "hash": f"hash of {self.merchant}"}]
        merchant = {"merchant_id": self.merchant, "name": "Shop", "keys": keys, "at": self._at()}
        await self.database.system("merchant_create_v1", merchant)
        sealed = {"base_url": "http://127.0.0.1:1", "credentials_ciphertext": "Y3JlZA==", "key_id": "dek_1"}
        for provider in ("stripe", "dummypay"):
            account: Json = {"account_id": new_id("pa"), "provider": provider, "settings": {}, "at": self._at()}
            await self.call("provider_account_create_v1", **account, **sealed)
        await self.call("routing_set_v1", providers=["stripe", "dummypay"], max_fallbacks=1, at=self._at())

    async def begin(self, method: str = "automatic") -> Any:
        card: Json = {"token_id": new_id("tok"), "ciphertext": "c2VhbGVk", "key_id": "dek_1", "bin": "424242"}
        card |= {"fingerprint": new_id("fp"), "last4": "4242", "brand": "visa", "exp_month": 12, "exp_year": 2030}
        return await self.call(
            "payment_begin_v1",
            payment_id=new_id("pay"),
            operation_id=new_id("att"),
            event_id=new_id("evt"),
            amount=AMOUNT,
            currency="EUR",
            capture_method=method,
            reference="order-7",
            metadata={"basket": "7"},
            card=card,
            at=self._at(),
            cascade_until=(NOON + timedelta(hours=1)).isoformat(),
            **LEASE,
        )

    async def apply(self, dispatch: Json, outcome: Json, source: str = "inline") -> Any:
        return await self.call(
            "payment_apply_v1",
            operation_id=dispatch["operation_id"],
            epoch=dispatch["epoch"],
            outcome=outcome,
            cascade=False,
            at=self._at(),
            source=source,
            event_ids=[new_id("evt") for _ in range(4)],
            order_id=new_id("ord"),
        )

    async def operate(self, kind: str, payment_id: str, outcome: Json, **fields: Any) -> Any:
        """capture, cancel or refund, begun and applied."""
        prefix = {"capture": "cap", "cancel": "void", "refund": "ref"}[kind]
        ids = {"payment_id": payment_id, "operation_id": new_id(prefix), "event_id": new_id("evt")}
        begun = await self.call(f"{kind}_begin_v1", **ids, at=self._at(), **LEASE, **fields)
        return await self.apply(begun["dispatch"], outcome)

    async def paid(self, method: str = "automatic") -> str:
        begun = await self.begin(method)
        await self.apply(begun["dispatch"], approved(captured=method == "automatic"))
        return str(begun["payment"]["id"])

    async def is_held_again(self) -> None:
        """A capture that was confirmed fails afterwards; what is held again is authorized anew before it runs out."""
        payment = await self.paid("manual")
        ids = {"payment_id": payment, "event_id": new_id("evt")}
        capture = await self.call("capture_begin_v1", **ids, operation_id=new_id("cap"), at=self._at(), **LEASE)
        await self.apply(capture["dispatch"], approved(captured=True))
        failed = {"kind": "reversed", "reason": "generic_decline", "provider_code": "CAPTURE_FAILED"}
        await self.apply(capture["dispatch"], failed, "webhook")
        again = await self.call("reauthorize_begin_v1", **ids, operation_id=new_id("att"), at=self._at(), **LEASE)
        await self.apply(again["dispatch"], approved())

    async def succeeds(self) -> None:
        payment = await self.paid("manual")
        await self.operate("capture", payment, approved(1000, captured=True), amount=1000, final=False)
        await self.operate("capture", payment, approved(3200, captured=True), amount=3200)

    async def ends(self) -> None:
        declined = {"reason": "insufficient_funds", "advice": "schedule", "provider_code": "51", "message": "No"}
        await self.apply((await self.begin())["dispatch"], {"kind": "declined", **declined})
        await self.apply((await self.begin())["dispatch"], {"kind": "not_sent", "cause": "refused"})
        await self.operate("cancel", await self.paid("manual"), approved())

    async def waits(self) -> None:
        action = {"kind": "action_required", "provider_reference": "pi_1", "action": {"type": "redirect"}}
        await self.apply((await self.begin())["dispatch"], action)
        dispatch = (await self.begin())["dispatch"]
        await self.apply(dispatch, {"kind": "unknown", "cause": "timeout"})
        ids = {"operation_id": dispatch["operation_id"], "epoch": dispatch["epoch"]}
        events = [new_id("evt") for _ in range(4)]
        await self.call("operation_review_v1", **ids, reason="no_proof", at=self._at(), event_ids=events)
        word = {"action": "approved", "provider_reference": "psp_1", "evidence": "T-1", "operator": "ada"}
        fresh = {"event_ids": [new_id("evt") for _ in range(5)], "order_id": new_id("ord")}
        await self.call("review_resolve_v1", operation_id=ids["operation_id"], at=self._at(), **word, **fresh)

    async def is_doubled(self) -> None:
        """An approval that arrives after the payment's end is taken back."""
        dispatch = (await self.begin())["dispatch"]
        await self.apply(dispatch, {"kind": "not_sent", "cause": "refused"})
        await self.apply(dispatch, approved(captured=True), "webhook")
        reversal = {"operation_id": new_id("void"), "of": dispatch["operation_id"], "at": self._at(), **LEASE}
        begun = await self.call("reversal_begin_v1", **reversal)
        await self.apply(begun["dispatch"], approved())

    async def goes_back(self) -> None:
        payment = await self.paid()
        await self.operate("refund", payment, approved(1200), amount=1200, reason="damaged")
        refused = {"kind": "declined", "reason": "not_permitted", "advice": "none", "provider_code": "57"}
        await self.operate("refund", payment, refused, amount=1200)

    async def is_disputed(self) -> None:
        """Banks take payments back: one decided each way, one given up, one settled."""
        account = (await self.call("provider_account_list_v1", limit=10))["data"][-1]["id"]
        for n, statuses in enumerate((("under_review", "won"), ("lost",), ("accepted",), ("closed",))):
            payment = await self.paid()
            [attempt] = (await self.call("payment_attempts_v1", payment_id=payment))["data"]
            for status in ("needs_response", *statuses):
                said: Json = {"id": new_id("dsp"), "provider_reference": f"dp_{n}", "status": status, "moves": 1}
                said |= {"amount": AMOUNT, "currency": "EUR", "reason": "fraud", "at": self._at()}
                said |= {"fee": 1500, "evidence_due_at": self._at(), "network_code": "10.4"}
                fact: Json = {"event_id": new_id("x"), "event_type": status, "operation_id": attempt["id"]}
                received = {"account_id": account, "facts": [fact | {"dispute": said}], "order_id": new_id("ord")}
                await self.call("webhook_receive_v1", at=self._at(), **received)


def approved(amount: int = AMOUNT, *, captured: bool = False) -> Json:
    """OUTCOME of an approval."""
    reference = {"kind": "approved", "provider_reference": new_id("psp"), "currency": "EUR"}
    return {**reference, "amount": amount, "captured": captured}


def delivered(event: Json) -> tuple[dict[str, str], bytes]:
    """Headers and body of the merchant webhook for an event, as the dispatcher's own use case sends them."""
    return asyncio.run(_delivered(event))


async def _delivered(event: Json) -> tuple[dict[str, str], bytes]:
    sent: list[tuple[dict[str, str], bytes]] = []

    class Sender:
        async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
            sent.append((dict(headers), body))
            return Answer(200)

    row = {"id": "del_1", "merchant": event["merchant"], "endpoint_id": "we_1", "event_id": event["id"], "attempts": 0}
    row |= {"url": "https://shop.example/", "secret_ciphertext": "", "key_id": "dek_1", "payload": event}
    vault: Any = _OpenVault()
    await deliver_webhook(vault, Sender(), orjson.dumps, _Now(), Schedule((0,), jitter=0.0), row)
    [only] = sent
    return only


class _OpenVault:
    """The one call of `Vault` that a delivery makes."""

    async def open_text(self, *_: str) -> Secret:
        return Secret(SECRET)


class _Now:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic_s(self) -> float:
        return 0.0


__all__ = ["SECRET", "database", "delivered", "real_events"]
