"""States of a provider, made through the control plane and, where money must have moved, by the connector itself.

Ids are read from the simulator's journal, never from an answer: a changed answer must break the interactions that pin
it, not the states of others. A state is `(psp, parameters) -> values`; the values fill the `${name}` of the requests.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from typing import Any

from compose.embedded.http import CallFailed, call
from contracts.kit.consumer import Consumer, Json, connector_of, provider_call, send
from gateway.connectors.http import HttpClient
from gateway.domain.card import Secret
from gateway.domain.errors import BadSignature
from gateway.use_cases.ports import OperationKind, ProviderAccount

WAIT_S = 10.0
Values = dict[str, Any]
State = Callable[["Psp", Json], Values]


class StateFailed(Exception):
    """A state could not be made; the message says why."""


class Psp:
    """The account that the current interaction plays on."""

    def __init__(self, consumer: Consumer, control: str, hook: str) -> None:
        self.consumer = consumer
        self._control, self._hook = f"{control}/v1/{consumer.slug}/accounts", hook
        self.view: Json = {}
        self.received: list[tuple[dict[str, str], bytes]] = []
        self.message: tuple[dict[str, str], bytes] | None = None
        self.known: dict[str, str] = {}

    def control(self, method: str, path: str = "", body: Any = None) -> Any:
        """A call below the account at the control plane. Raises StateFailed."""
        try:
            return call(method, f"{self._control}/{self.view['account']}{path}", body)
        except (CallFailed, KeyError) as failed:
            raise StateFailed(str(failed)) from failed

    def open(self) -> None:
        """A fresh account, whose notifications come to us."""
        self.close()
        self.view = call("POST", self._control, {})
        self.control("PUT", "/webhook", {"url": self._hook, "events": ["*"]})

    def close(self) -> None:
        """Forget the account."""
        if self.view:
            with contextlib.suppress(StateFailed):
                self.control("DELETE")
        self.view, self.received, self.message, self.known = {}, [], None, {}

    def account(self) -> ProviderAccount:
        """As the gateway would open it."""
        secrets = {name: Secret(str(self.view[name])) for name in self.consumer.credentials if name in self.view}
        return ProviderAccount(
            "pa_01contract", self.consumer.slug, self.view["url"], secrets, self.view.get("settings", {})
        )

    def do(self, kind: OperationKind, **changed: Any) -> Json:
        """Send one operation; returns the journal's last entry. What the answer looked like does not matter here."""

        async def sent() -> None:
            async with HttpClient() as http:
                connector = connector_of(self.consumer.slug, http)
                one = provider_call(self.account(), kind, changed)
                await send(connector, one, self.consumer.card.secret())

        asyncio.run(sent())
        entries = self.control("GET", "/journal")["entries"]
        return entries[-1] if entries else {}

    def fault(self, operation: str, then: Any) -> None:
        """What the next requests of this kind meet."""
        self.control("POST", "/faults", {"when": {"operation": operation}, "then": then})

    def wait_for(self, wanted: Callable[[bytes], bool]) -> None:
        """Wait for a notification and make it the message of this interaction. Raises StateFailed."""
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            for headers, body in list(self.received):
                if wanted(body):
                    self.message = (headers, body)
                    return
            time.sleep(0.01)
        raise StateFailed(f"none of {len(self.received)} notifications is the one waited for")

    def signature(self) -> str:
        """`valid` if the connector accepts the message as it came, else why not."""
        assert self.message is not None
        headers, body = self.message
        try:
            connector_of(self.consumer.slug, HttpClient()).verify_webhook(headers, body, self.account(), time.time())
        except BadSignature as bad:
            return str(bad) or "bad"
        except (KeyError, TypeError, ValueError):
            return "valid"  # its content is wrong, which the body's rules say better
        return "valid"


def an_account(psp: Psp, _: Json) -> Values:
    """Its keys and settings, by their names."""
    psp.open()
    shown = {**psp.view, **psp.view.get("settings", {})}
    return {name: value for name, value in shown.items() if isinstance(value, str)}


def no_account(psp: Psp, _: Json) -> Values:
    """Credentials that open nothing."""
    psp.close()
    return dict.fromkeys(psp.consumer.credentials, "nobody_knows_it") | dict(psp.consumer.settings)


def _paid(*, capture: bool) -> State:
    def state(psp: Psp, parameters: Json) -> Values:
        entry = psp.do("authorize", capture=capture, **parameters)
        psp.known["payment"] = entry.get("object", "")
        return {"payment": psp.known["payment"], "parent": entry.get("parent") or psp.known["payment"]}

    return state


def _following(kind: OperationKind) -> State:
    def state(psp: Psp, parameters: Json) -> Values:
        entry = psp.do(kind, parent_reference=psp.known["payment"], **parameters)
        return {kind: entry.get("object", "")}

    return state


def declines(psp: Psp, parameters: Json) -> Values:
    """The acquirer refuses an operation: `{operation, code}`, the code of ISO 8583 or the PSP's own."""
    psp.fault(parameters["operation"], {"action": "decline", "code": parameters["code"]})
    return {}


def decides_later(psp: Psp, parameters: Json) -> Values:
    """`{operation}` stays undecided for an hour of the account's clock."""
    psp.fault(parameters["operation"], {"action": "pending", "seconds": 3600})
    return {}


def out_of_order(psp: Psp, parameters: Json) -> Values:
    """`{operation}` ends in an HTTP 500 and nothing was done."""
    psp.fault(parameters["operation"], {"action": "server_error", "status": 500, "commit": False})
    return {}


def too_many(psp: Psp, parameters: Json) -> Values:
    """`{operation}` is refused because there were too many."""
    psp.fault(parameters["operation"], {"action": "rate_limit", "retry_after": 1})
    return {}


def under_way(psp: Psp, parameters: Json) -> Values:
    """The same `{operation}` was sent before, nobody heard its answer, and it is not done yet."""
    psp.fault(parameters["operation"], {"action": "commit_late", "seconds": 3600})
    psp.do(parameters["operation"], timeout_s=0.5)
    return {}


def time_passes(psp: Psp, parameters: Json) -> Values:
    """`{seconds}` of the account's clock, past any lag of the PSP's index."""
    psp.control("POST", "/clock", {"advance_s": parameters["seconds"]})
    return {}


def notifies(kind_of: Callable[[Json], str], parse: Callable[[bytes], Json]) -> State:
    """The state that ends every notification's: `{type}` is the one that arrives."""

    def state(psp: Psp, parameters: Json) -> Values:
        psp.wait_for(lambda body: kind_of(parse(body)) == parameters["type"])
        return {}

    return state


COMMON: Mapping[str, State] = {
    "an account": an_account,
    "no account": no_account,
    "a payment is authorized": _paid(capture=False),
    "a payment is captured": _paid(capture=True),
    "a capture was sent": _following("capture"),
    "a void was sent": _following("void"),
    "a refund was sent": _following("refund"),
    "the acquirer declines": declines,
    "the acquirer decides later": decides_later,
    "the provider is out of order": out_of_order,
    "there were too many requests": too_many,
    "an earlier one is under way": under_way,
    "time passes": time_passes,
}
