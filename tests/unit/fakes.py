"""One fake per port: what it was asked is in `asked`, what it answers is set by the test."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from gateway.domain.card import CardSecret, Cvv, Pan, Secret
from gateway.domain.errors import StoreUnavailable
from gateway.domain.outcome import Approved, Outcome
from gateway.domain.threeds import Cavv
from gateway.use_cases.ports import ConnectorSpec, Json, Ports, ProviderAccount, ProviderCall, Timing, WebhookFact

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TEST_PAN = "4242424242424242"

SPEC = ConnectorSpec(
    slug="dummypay",
    title="Dummypay",
    capabilities=frozenset({"authorize", "capture", "void", "refund", "read"}),
    resolves={"authorize": ("idempotent_replay",)},
    max_processing_s=1,
    index_lag_s=1,
    replay_window_s=60,
)


class FakeClock:
    def __init__(self) -> None:
        self.monotonic = 1000.0

    def now(self) -> datetime:
        return NOW

    def monotonic_s(self) -> float:
        return self.monotonic


class RealClock(FakeClock):
    def monotonic_s(self) -> float:
        return time.monotonic()


class FakeStore:
    """Answers by function name: a value, an exception, a list of those to use up, or a function of p."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.asked: list[tuple[str, str, Json]] = []

    async def call(self, function: str, merchant: str, p: Json) -> Any:
        self.asked.append((function, merchant, p))
        return await self._answer(function, p)

    async def system(self, function: str, p: Json) -> Any:
        self.asked.append((function, "", p))
        return await self._answer(function, p)

    def names(self) -> list[str]:
        return [function for function, _, _ in self.asked]

    async def _answer(self, function: str, p: Json) -> Any:
        await asyncio.sleep(0)
        answer = self.answers[function]
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer(p) if callable(answer) else answer


class FakeVault:
    def __init__(self) -> None:
        self.forgotten: list[str] = []
        self.fails: Exception | None = None

    async def open_card(self, merchant: str, card: Json) -> CardSecret:
        if self.fails:
            raise self.fails
        return CardSecret(Pan(TEST_PAN), 12, 2030, Cvv("123"))

    async def open_credentials(self, merchant: str, account: Json) -> Mapping[str, Secret]:
        if self.fails:
            raise self.fails
        return {"api_key": Secret("key")}

    async def seal_card(self, merchant: str, card: CardSecret, token_id: str, at: datetime) -> Json:
        return {"token_id": token_id, "ciphertext": "c", "key_id": "dek_1"}

    async def seal_text(self, merchant: str, row_id: str, purpose: str, text: str) -> tuple[str, str]:
        return f"sealed:{purpose}", "dek_1"

    async def open_text(self, merchant: str, row_id: str, purpose: str, ciphertext: str, key_id: str) -> Secret:
        return Secret("opened")

    def seal_cavv(self, merchant: str, payment_id: str, cavv: Cavv, at: datetime) -> Json:
        return {"cavv_ciphertext": f"sealed:{len(cavv.reveal())}", "cavv_expires_at": at.isoformat()}

    def open_cavv(self, merchant: str, payment_id: str, ciphertext: str | None) -> Cavv | None:
        return None if ciphertext is None else Cavv("opened")

    def forget_cvv(self, token_id: str) -> None:
        self.forgotten.append(token_id)


class FakeConnector:
    """`answer` is an outcome, an exception, or an async function of the call."""

    spec = SPEC

    def __init__(self, answer: Any = None) -> None:
        self.answer = answer
        self.calls: list[ProviderCall] = []
        self.facts: tuple[WebhookFact, ...] | Exception = ()

    async def authorize(self, call: ProviderCall, card: CardSecret) -> Outcome:
        return await self._reply(call)

    async def capture(self, call: ProviderCall) -> Outcome:
        return await self._reply(call)

    async def void(self, call: ProviderCall) -> Outcome:
        return await self._reply(call)

    async def refund(self, call: ProviderCall) -> Outcome:
        return await self._reply(call)

    async def read(self, call: ProviderCall) -> Outcome:
        return await self._reply(call)

    def verify_webhook(
        self, headers: Mapping[str, str], body: bytes, account: ProviderAccount, now_s: float
    ) -> tuple[WebhookFact, ...]:
        if isinstance(self.facts, Exception):
            raise self.facts
        return self.facts

    async def _reply(self, call: ProviderCall) -> Outcome:
        self.calls.append(call)
        answer = self.answer or Approved("psp_1", call.amount, call.currency, captured=call.capture)
        if isinstance(answer, BaseException):
            raise answer
        if callable(answer):
            outcome: Outcome = await answer(call)
            return outcome
        return answer  # type: ignore[no-any-return]  # set by the test


class FakeConnectors:
    def __init__(self, connector: FakeConnector) -> None:
        self.connector = connector

    @property
    def specs(self) -> dict[str, ConnectorSpec]:
        return {SPEC.slug: SPEC}

    def get(self, slug: str) -> FakeConnector:
        if slug != SPEC.slug:
            raise LookupError(slug)
        return self.connector


class FakeWorkflows:
    def __init__(self) -> None:
        self.waited: list[tuple[str, float]] = []

    async def first_answer(self, merchant: str, payment_id: str, operation_id: str, budget_s: float) -> None:
        self.waited.append((payment_id, budget_s))

    async def wake(self, merchant: str, payment_id: str) -> None:
        return None


class FakeFailpoints:
    """`at` is what happens at a point, by name."""

    def __init__(self) -> None:
        self.reached: list[str] = []
        self.at: dict[str, Callable[[], Awaitable[None]]] = {}

    async def reach(self, name: str, merchant: str = "") -> None:
        self.reached.append(name)
        if name in self.at:
            await self.at[name]()


@dataclass
class Outside:
    """All fakes, and the `Ports` made of them."""

    store: FakeStore = field(default_factory=FakeStore)
    vault: FakeVault = field(default_factory=FakeVault)
    connector: FakeConnector = field(default_factory=FakeConnector)
    workflows: FakeWorkflows = field(default_factory=FakeWorkflows)
    clock: FakeClock = field(default_factory=FakeClock)
    failpoints: FakeFailpoints = field(default_factory=FakeFailpoints)
    timing: Timing = field(default_factory=lambda: Timing(psp_timeout_s=2, lease_s=3, answer_budget_s=4))

    def __post_init__(self) -> None:
        self.ports = Ports(
            store=self.store,
            vault=self.vault,
            connectors=FakeConnectors(self.connector),
            workflows=self.workflows,
            clock=self.clock,
            timing=self.timing,
            failpoints=self.failpoints,
        )


def dispatch(kind: str = "authorize", **more: Any) -> Json:
    """DISPATCH of the contract."""
    made: Json = {
        "operation_id": "att_1",
        "kind": kind,
        "epoch": 1,
        "payment_id": "pay_1",
        "amount": 4200,
        "currency": "EUR",
        "capture": True,
        "final": True,
        "account": {
            "id": "pa_1",
            "provider": "dummypay",
            "base_url": "http://127.0.0.1:1",
            "credentials_ciphertext": "c",
            "key_id": "dek_1",
            "settings": {},
        },
        "had_cvv": True,
        "looks": 0,
    }
    if kind == "authorize":
        made["card"] = {"token_id": "tok_1", "ciphertext": "c", "key_id": "dek_1", "exp_month": 12, "exp_year": 2030}
    return made | more


def applied(status: str = "captured", operation: str = "approved", *, workflow: bool = False, **more: Any) -> Json:
    """What `payment_apply_v1` answers."""
    return {
        "result": "applied",
        "payment": {"id": "pay_1", "status": status},
        "operation": {"id": "att_1", "status": operation},
        "workflow": workflow,
    } | more


def away() -> StoreUnavailable:
    return StoreUnavailable()
