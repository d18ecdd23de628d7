"""The simulator of a test run: served for real in a thread of its own, so that the blocking SDK can call it."""

import asyncio
import dataclasses
import json
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

import Adyen
import requests
from Adyen.util import is_valid_hmac_notification

from simulators.adyen import SIMULATOR
from simulators.kit.accounts import World
from simulators.kit.serving import Simulators
from simulators.kit.spec import AsgiApp, Receive, Scope, Send
from simulators.kit.testing import Sims, TestAccount
from simulators.kit.webhooks import EVENTS
from tests.simulators.adyen.conformance import Difference, checkout, webhooks

T = TypeVar("T")
Json = dict[str, Any]
VISA, MASTERCARD = "4111111111111111", "5555444433331111"
FRICTIONLESS, FULL, CHALLENGE, REDIRECT = (
    "5201281505129736",
    "5000550000000029",
    "4212345678910006",
    "4212345678901237",
)
NATIVE = {"threeDSRequestData": {"nativeThreeDS": "preferred"}}
NOBODY = "http://127.0.0.1:9/hooks"
SERVICES = ("payments_api", "modifications_api", "recurring_api", "orders_api", "payment_links_api", "utility_api")


def card(number: str = VISA, **more: Any) -> Json:
    """A card as `paymentMethod`."""
    given = {"type": "scheme", "number": number, "expiryMonth": "03", "expiryYear": "2030", "cvc": "737"}
    return {**given, "holderName": "John Smith", **more}


@dataclasses.dataclass(slots=True)
class Recorder:
    """Every answer of the API, as it left."""

    answers: list[tuple[str, str, int, bytes]] = dataclasses.field(default_factory=list)
    broken_on_purpose: bool = False

    def differences(self) -> dict[Difference, str]:
        """Findings over the recorded answers, each with the answer that shows it. Wrong paths have no description."""
        found: dict[Difference, str] = {}
        for method, path, status, body in self.answers:
            version, _, rest = path.strip("/").partition("/")
            if version not in ("v71", "v72") or status in (404, 405):
                continue
            try:
                value = json.loads(body) if body else None
            except ValueError:
                assert self.broken_on_purpose, f"{method} {path} → {status}: no JSON"
                continue
            for difference in checkout().judge_answer(method, rest, status, value):
                found.setdefault(difference, f"{method} {path} → {status} {body[:300]!r}")
        return found


class Recorded:
    """The application with an ear on it."""

    def __init__(self, app: AsgiApp, recorder: Recorder) -> None:
        self._app, self._recorder = app, recorder
        self.routes = getattr(app, "routes", ())

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
        self.merchant: str = account.view["settings"]["merchant_account"]
        self.session = requests.Session()
        self.payments, self.modifications, self.recurring = self.sdk("v71")

    def sdk(self, version: str, **credentials: Any) -> tuple[Any, Any, Any]:
        """The official client's services, aimed at this simulator by `baseUrl` alone."""
        api = Adyen.Adyen(**(credentials or {"xapikey": self.key}), platform="test")
        for name in SERVICES:
            getattr(api.checkout, name).baseUrl = f"{self.url}/{version}"
        return api.checkout.payments_api, api.checkout.modifications_api, api.checkout.recurring_api

    # -- requests
    def request(self, value: int = 4200, reference: str = "order-1", **more: Any) -> Json:
        """A payment request."""
        amount = {"currency": more.pop("currency", "EUR"), "value": value}
        own = {"merchantAccount": self.merchant, "returnUrl": "https://shop.example/back?a=1"}
        return {"amount": amount, "reference": reference, "paymentMethod": card(), **own, **more}

    def pay(self, value: int = 4200, *, key: str | None = None, **more: Any) -> Json:
        """Pay by the SDK; returns the answer."""
        answer: Json = self.payments.payments(self.request(value, **more), idempotency_key=key).message
        return answer

    def held(self, value: int = 4200, **more: Any) -> str:
        """An authorised payment that waits for its capture; returns its pspReference."""
        answer = self.pay(value, additionalData={"manualCapture": "true"}, **more)
        assert answer["resultCode"] == "Authorised", answer
        return str(answer["pspReference"])

    def modification(self, value: int | None = None, reference: str | None = None, **more: Any) -> Json:
        """The body of a modification."""
        amount = {} if value is None else {"amount": {"currency": more.pop("currency", "EUR"), "value": value}}
        named = {} if reference is None else {"reference": reference}
        return {"merchantAccount": self.merchant, **amount, **named, **more}

    def capture(self, payment: str, value: int = 4200, reference: str | None = None, **more: Any) -> Json:
        body = self.modification(value, reference, **more)
        answer: Json = self.modifications.capture_authorised_payment(body, payment).message
        return answer

    def refund(self, payment: str, value: int = 4200, reference: str | None = None, **more: Any) -> Json:
        body = self.modification(value, reference, **more)
        answer: Json = self.modifications.refund_captured_payment(body, payment).message
        return answer

    def cancel(self, payment: str, reference: str | None = None) -> Json:
        body = self.modification(None, reference)
        answer: Json = self.modifications.cancel_authorised_payment_by_psp_reference(body, payment).message
        return answer

    def http(
        self, method: str, path: str, body: Any = None, *, timeout: float = 20.0, **headers: str
    ) -> requests.Response:
        """A plain request with the account's key; header names with underscores for dashes."""
        sent = {"x-api-key": self.key, "content-type": "application/json"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        data = body if isinstance(body, bytes | type(None)) else json.dumps(body).encode()
        url = path if path.startswith("http") else self.url + path
        return self.session.request(method, url, data=data, headers=sent, timeout=timeout, allow_redirects=False)

    # -- the control plane
    def fault(self, when: Json, then: Any, **more: Any) -> str:
        return self._bench.run(self.account.fault(when, then, **more))

    def journal(self) -> list[tuple[str, int]]:
        """The journal as (kind, amount)."""
        return [(entry["kind"], entry["amount"]) for entry in self.entries()]

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

    def listen(self, url: str, **more: Any) -> None:
        """Send the account's notifications to `url`."""
        self.control("PUT", "/webhook", {"url": url, **more})

    def notifications(self) -> list[Json]:
        """Every notification of the account as it would be sent, before it is signed."""

        async def kept() -> list[Json]:
            assert self._bench.sims.group is not None
            account = self._bench.sims.group.worlds["adyen"].accounts[self.account.view["account"]]
            return [json.loads(event["body"]) for event in account.store.all(EVENTS)]

        return self._bench.run(kept())

    def items(self) -> list[Json]:
        """The items of all notifications."""
        return [one["notificationItems"][0]["NotificationRequestItem"] for one in self.notifications()]

    def told(self) -> list[tuple[str, str]]:
        """All notifications as (event code, success)."""
        return [(item["eventCode"], item["success"]) for item in self.items()]

    def differences(self) -> dict[Difference, str]:
        """Findings over the account's notifications."""
        every = self.notifications()
        return {d: json.dumps(one)[:300] for one in every for d in webhooks().judge_notification(one)}

    def valid(self, notification: Json) -> bool:
        """What the official verifier says."""
        return bool(is_valid_hmac_notification(notification, self.secret))

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

        group = Simulators({"adyen": dataclasses.replace(SIMULATOR, build=build)})
        await group.start()
        return Sims(group.control_url, {"adyen": group.worlds["adyen"].url}, group=group)

    def shop(self, **wanted: Any) -> Shop:
        return Shop(self, self.run(self.sims.account("adyen", **wanted)))

    def close(self) -> None:
        async def end() -> None:
            await self.sims.close()
            assert self.sims.group is not None
            await self.sims.group.stop()

        self.run(end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
