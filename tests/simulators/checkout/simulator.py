"""The simulator of a test run: served for real in a thread of its own, so that the blocking SDK can call it."""

import asyncio
import dataclasses
import json
import threading
import warnings
from collections.abc import Coroutine
from typing import Any, TypeVar

import requests
from checkout_sdk.checkout_sdk import CheckoutSdk
from checkout_sdk.environment import Environment
from checkout_sdk.http_client_interface import HttpClientBuilderInterface

from simulators.checkout import SIMULATOR
from simulators.kit.accounts import World
from simulators.kit.serving import Simulators
from simulators.kit.spec import AsgiApp, Receive, Scope, Send
from simulators.kit.testing import Sims, TestAccount
from simulators.kit.webhooks import EVENTS
from tests.simulators.checkout.conformance import Difference, published

T = TypeVar("T")
Json = dict[str, Any]
VISA = "4242424242424242"


def card(number: str = VISA, **more: Any) -> Json:
    """A card source."""
    return {"type": "card", "number": number, "expiry_month": 12, "expiry_year": 2034, "cvv": "100", **more}


def pay(amount: int | None = 4200, **more: Any) -> Json:
    """A payment request."""
    return {"source": card(), "currency": "EUR", **({} if amount is None else {"amount": amount}), **more}


@dataclasses.dataclass(slots=True)
class Recorder:
    """Every answer of the API, as it left."""

    answers: list[tuple[str, str, int, bytes, dict[str, str]]] = dataclasses.field(default_factory=list)
    broken_on_purpose: bool = False

    def differences(self) -> dict[Difference, str]:
        """Findings over the recorded answers, each with the answer that shows it."""
        found: dict[Difference, str] = {}
        for method, path, status, body, headers in self.answers:
            if path.startswith("/3ds/") or (self.broken_on_purpose and not _is_json(body)):
                continue  # a page of the simulator's own, or damaged by a fault
            assert {"cko-request-id", "cko-version"} <= set(headers), f"{method} {path} → {status}: {headers}"
            for difference in published().judge(method, path, status, body):
                found.setdefault(difference, f"{method} {path} → {status} {body[:300]!r}")
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
        status, parts, headers = 0, [], {}

        async def listening(message: Any) -> None:
            nonlocal status, headers
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = {name.decode(): value.decode() for name, value in message["headers"]}
            else:
                parts.append(message.get("body", b""))
                if not message.get("more_body"):
                    body = b"".join(parts)
                    self._recorder.answers.append((scope["method"], scope["path"], status, body, headers))
            await send(message)

        await self._app(scope, receive, listening)


class _Session(HttpClientBuilderInterface):
    def __init__(self, session: requests.Session) -> None:
        self._session = session

    def get_client(self) -> requests.Session:
        return self._session


class Shop:
    """One account: the SDK's client, plain HTTP beside it, and the control plane."""

    def __init__(self, bench: "Bench", account: TestAccount) -> None:
        self._bench = bench
        self.account = account
        self.url, self.key, self.secret = account.url, account.api_key, account.webhook_secret
        self.public_key: str = account.view["publishable_key"]
        self.channel: str = account.view["settings"]["processing_channel_id"]
        self.session = requests.Session()
        self._api: Any = None

    @property
    def environment(self) -> Any:
        """The SDK's environment, aimed at this simulator."""
        addresses = ("files_uri", "transfers_uri", "balances_uri", "forward_uri", "identity_uri")
        return Environment(
            base_uri=f"{self.url}/",
            authorization_uri=f"{self.url}/connect/token",
            is_sandbox=True,
            **dict.fromkeys(addresses, f"{self.url}/"),
        )

    @property
    def api(self) -> Any:
        """The official client with the account's keys."""
        if self._api is None:
            builder = CheckoutSdk.builder().secret_key(self.key).public_key(self.public_key)
            self._api = self.built(builder)
        return self._api

    def built(self, builder: Any) -> Any:
        """The client of an SDK builder, aimed at the simulator, on the shared host (subdomains name real merchants)."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # the shared host, and a module of the SDK's own
            builder = builder.use_legacy_domain().environment(self.environment)
            return builder.http_client_builder(_Session(self.session)).build()

    def http(
        self, method: str, path: str, body: Any = None, *, timeout: float = 20.0, key: str | None = None, **headers: str
    ) -> requests.Response:
        """A plain request with the account's key; header names with underscores for dashes."""
        sent = {"authorization": f"Bearer {key or self.key}", "content-type": "application/json"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        data = body if isinstance(body, bytes | type(None)) else json.dumps(body).encode()
        url = path if path.startswith("http") else self.url + path
        return self.session.request(method, url, data=data, headers=sent, timeout=timeout, allow_redirects=False)

    def paid(self, amount: int = 4200, **more: Any) -> Any:
        """A payment request by the SDK."""
        return self.api.payments.request_payment(pay(amount, **more))

    def held(self, amount: int = 4200, **more: Any) -> Any:
        """An authorization by the SDK."""
        return self.paid(amount, capture=False, **more)

    def status(self, payment: str) -> str:
        """The payment's status by a read."""
        return str(self.api.payments.get_payment_details(payment).status)

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

    def settle(self, object_id: str, action: str | None = None) -> None:
        self.control("POST", "/settle", {"object": object_id, **({"action": action} if action else {})})

    def advance(self, seconds: float) -> None:
        self._bench.run(self.account.advance(seconds))

    def events(self) -> list[Json]:
        """Every event of the account, sent or not, as it is kept."""

        async def kept() -> list[Json]:
            assert self._bench.sims.group is not None
            account = self._bench.sims.group.worlds["checkout"].accounts[self.account.view["account"]]
            return [json.loads(event["body"]) for event in account.store.all(EVENTS)]

        return self._bench.run(kept())

    def listen(self, url: str, *events: str) -> None:
        """Send the account's notifications to `url`."""
        self.control("PUT", "/webhook", {"url": url, "events": list(events) or ["*"]})

    def differences(self) -> dict[Difference, str]:
        """Findings over the account's events."""
        return {d: json.dumps(event)[:300] for event in self.events() for d in published().judge_event(event)}

    def close(self) -> None:
        self.session.close()


class Bench:
    """The simulator's thread and its recorder."""

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

        group = Simulators({"checkout": dataclasses.replace(SIMULATOR, build=build)})
        await group.start()
        return Sims(group.control_url, {"checkout": group.worlds["checkout"].url}, group=group)

    def shop(self, **wanted: Any) -> Shop:
        return Shop(self, self.run(self.sims.account("checkout", **wanted)))

    def close(self) -> None:
        async def end() -> None:
            await self.sims.close()
            assert self.sims.group is not None
            await self.sims.group.stop()

        self.run(end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
