"""Dummypay's verbs. What goes over the wire is in `wire`, what it means in `mapping`."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from gateway.connectors.http import Answer, HttpClient
from gateway.domain.card import CardSecret
from gateway.domain.outcome import Absent, NotSent, Outcome, Unknown
from gateway.use_cases.ports import (
    ConnectorSpec,
    DisputeAnswered,
    DisputeCall,
    ProviderAccount,
    ProviderCall,
    WebhookFact,
)

from . import disputes, mapping, wire
from .spec import SPEC

COLLECTIONS = {"authorize": "charges", "capture": "captures", "void": "voids", "refund": "refunds"}


class DummypayConnector:
    """See the package's docstring and simulators/dummypay/README.md."""

    spec: ConnectorSpec = SPEC

    def __init__(self, http: HttpClient) -> None:
        self._http = http

    async def authorize(self, call: ProviderCall, card: CardSecret) -> Outcome:
        return await self._post(call, "/v1/charges", wire.authorize_body(call, card))

    async def capture(self, call: ProviderCall) -> Outcome:
        return await self._post(call, f"{_charge(call)}/capture", wire.operation_body(call))

    async def void(self, call: ProviderCall) -> Outcome:
        return await self._post(call, f"{_charge(call)}/void", wire.operation_body(call))

    async def refund(self, call: ProviderCall) -> Outcome:
        return await self._post(call, f"{_charge(call)}/refunds", wire.operation_body(call))

    async def read(self, call: ProviderCall) -> Outcome:
        """By our reference: every object bears it. Whatever goes wrong with a read proves nothing."""
        query = urlencode({"reference": call.operation_id})
        url = f"{call.account.base_url}/v1/{COLLECTIONS[call.kind]}?{query}"
        answer = await self._http.send("GET", url, wire.headers(call, key=False), timeout_s=call.timeout_s)
        if isinstance(answer, NotSent):
            return Unknown(cause="timeout", detail=f"read not sent: {answer.cause}")
        if isinstance(answer, Answer) and 400 <= answer.status < 500 and answer.status != 429:
            return Unknown(cause="conflict", detail=f"read answered HTTP {answer.status}")
        outcome = wire.settled(answer)
        if outcome is not None or not isinstance(answer, Answer):
            return outcome or Unknown(cause="malformed")
        found = (answer.json() or {}).get("data")
        if not isinstance(found, list):
            return Unknown(cause="malformed", detail="no list")
        return _outcome(found[0], call) if found else Absent()

    async def answer_dispute(self, call: DisputeCall) -> DisputeAnswered:
        return await disputes.answer(self._http, call)

    def verify_webhook(
        self, headers: Mapping[str, str], body: bytes, account: ProviderAccount, now_s: float
    ) -> tuple[WebhookFact, ...]:
        lowered = {name.lower(): value for name, value in headers.items()}
        wire.check_signature(lowered.get(wire.SIGNATURE, ""), body, account.credentials["webhook_secret"], now_s)
        event = wire.event(body)
        thing = (event.get("data") or {}).get("object") or {}
        if event["type"].startswith("dispute."):
            return (disputes.fact(event, thing),)
        undoes = event["type"] in mapping.UNDOING
        return (WebhookFact(event["id"], event["type"], thing.get("reference"), thing.get("id"), undoes=undoes),)

    async def _post(self, call: ProviderCall, path: str, body: bytes) -> Outcome:
        answer = await self._http.send(
            "POST",
            call.account.base_url + path,
            wire.headers(call, key=True),
            body,
            timeout_s=call.timeout_s,
            send_by=call.send_by_s,
        )
        outcome = wire.settled(answer)
        if outcome is not None or not isinstance(answer, Answer):
            return outcome or Unknown(cause="malformed")
        return _outcome(answer.json() or {}, call)


def _outcome(value: Mapping[str, Any], call: ProviderCall) -> Outcome:
    try:
        return mapping.charge(value, call) if call.kind == "authorize" else mapping.operation(value, call)
    except (KeyError, TypeError, ValueError):
        return Unknown(cause="malformed", detail="a field is missing or of another type")


def _charge(call: ProviderCall) -> str:
    return f"/v1/charges/{quote(call.parent_reference or '')}"
