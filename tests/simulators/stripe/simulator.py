"""The simulator of a test run: served for real in a thread of its own, so that the blocking SDK can call it."""

import asyncio
import dataclasses
import json
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

import requests
import stripe

from simulators.kit.accounts import World
from simulators.kit.serving import Simulators
from simulators.kit.spec import AsgiApp, Receive, Scope, Send
from simulators.kit.testing import Sims, TestAccount
from simulators.stripe import SIMULATOR
from tests.simulators.stripe.conformance import Difference, published

T = TypeVar("T")
Json = dict[str, Any]


@dataclasses.dataclass(slots=True)
class Recorder:
    """Every answer of the API, as it left, and what differs in it from the published file."""

    answers: list[tuple[str, str, int, bytes]] = dataclasses.field(default_factory=list)
    broken_on_purpose: bool = False

    def differences(self) -> dict[Difference, str]:
        """Findings over the recorded answers, each with the answer that shows it."""
        found: dict[Difference, str] = {}
        for method, path, status, body in self.answers:
            if not path.startswith("/v1/") or path.endswith("/contents"):  # pages and files are no JSON
                continue
            if self.broken_on_purpose and not _is_json(body):
                continue
            for difference in published().judge(method, path, status, json.loads(body)):
                found.setdefault(difference, f"{method} {path} → {status}")
        return found


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except ValueError:
        return False
    return True


class Recorded:
    """The application with an ear on it."""

    def __init__(self, app: AsgiApp, recorder: Recorder) -> None:
        self._app, self._recorder = app, recorder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        status, parts = 0, []

        async def listening(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            else:
                parts.append(message.get("body", b""))
                if not message.get("more_body"):
                    self._recorder.answers.append((scope["method"], scope["path"], status, b"".join(parts)))
            await send(message)

        await self._app(scope, receive, listening)


class Shop:
    """One account: the SDK's client, plain HTTP beside it, and the control plane."""

    def __init__(self, bench: "Bench", account: TestAccount) -> None:
        self._bench = bench
        self.account = account
        self.url, self.key, self.secret = account.url, account.api_key, account.webhook_secret
        self._sessions: list[requests.Session] = []
        self._client: stripe.StripeClient | None = None

    @property
    def api(self) -> Any:
        """The official client's v1 services, without the SDK's own retries."""
        if self._client is None:
            self._client = self.client()
        return self._client.v1

    def client(self, **options: Any) -> stripe.StripeClient:
        """An official client; `options` as the SDK takes them."""
        session = requests.Session()
        self._sessions.append(session)
        options = {"max_network_retries": 0, **options}
        return stripe.StripeClient(
            self.key, base_addresses={"api": self.url}, http_client=stripe.RequestsClient(session=session), **options
        )

    def http(
        self, method: str, path: str, body: str | bytes = "", *, timeout: float = 20.0, **headers: str
    ) -> requests.Response:
        """A plain request with the account's key; header names with underscores for dashes."""
        sent = {"authorization": f"Bearer {self.key}", "content-type": "application/x-www-form-urlencoded"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        session = requests.Session()
        self._sessions.append(session)
        return session.request(method, self.url + path, data=body, headers=sent, timeout=timeout, allow_redirects=False)

    # -- the control plane
    def fault(self, when: Json, then: Any, **more: Any) -> str:
        return self._bench.run(self.account.fault(when, then, **more))

    def journal(self) -> list[tuple[str, int, str]]:
        """The journal as (kind, amount, currency)."""
        return [(e["kind"], e["amount"], e["currency"]) for e in self.entries()]

    def entries(self) -> list[Json]:
        return self._bench.run(self.account.journal())

    def requests_seen(self) -> list[Json]:
        return self._bench.run(self.account.requests())

    def control(self, method: str, path: str, body: Any = None) -> Any:
        return self._bench.run(self.account.control(method, path, body))

    def advance(self, seconds: float) -> None:
        self._bench.run(self.account.advance(seconds))

    def close(self) -> None:
        for session in self._sessions:
            session.close()


class Bench:
    """The simulator's thread, its recorder, and a merchant's endpoint to receive notifications."""

    def __init__(self) -> None:
        self.recorder = Recorder()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.sims = self.run(self._start())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run in the simulator's thread and wait."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    async def _start(self) -> Sims:
        def build(world: World) -> AsgiApp:
            return Recorded(SIMULATOR.build(world), self.recorder)

        group = Simulators({"stripe": dataclasses.replace(SIMULATOR, build=build)})
        await group.start()
        return Sims(group.control_url, {"stripe": group.worlds["stripe"].url}, group=group)

    def shop(self, **wanted: Any) -> Shop:
        return Shop(self, self.run(self.sims.account("stripe", **wanted)))

    def close(self) -> None:
        async def end() -> None:
            await self.sims.close()
            assert self.sims.group is not None
            await self.sims.group.stop()

        self.run(end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
