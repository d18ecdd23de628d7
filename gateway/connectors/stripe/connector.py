"""Stripe's verbs. What goes over the wire is in `wire`, what it means in `mapping`."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from gateway.connectors.http import Answer, HttpClient
from gateway.connectors.stripe import disputes, mapping, wire
from gateway.connectors.stripe.spec import SPEC
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


class StripeConnector:
    """See the package's docstring for what is sent and how an unknown is resolved."""

    spec: ConnectorSpec = SPEC

    def __init__(self, http: HttpClient) -> None:
        self._http = http

    async def authorize(self, call: ProviderCall, card: CardSecret) -> Outcome:
        amount = mapping.to_wire_amount(call.amount, call.currency)
        if amount is None:
            return NotSent(cause="amount_not_expressible")
        value = await self._post(call, "/v1/payment_intents", wire.authorize_form(call, card, amount))
        return _understood(value, call)

    async def capture(self, call: ProviderCall) -> Outcome:
        amount = mapping.to_wire_amount(call.amount, call.currency)
        if amount is None:
            return NotSent(cause="amount_not_expressible")
        value = await self._post(call, f"{_intent(call)}/capture", wire.capture_form(call, amount))
        return _understood(value, call)

    async def void(self, call: ProviderCall) -> Outcome:
        value = await self._post(call, f"{_intent(call)}/cancel", {"cancellation_reason": "requested_by_customer"})
        return _understood(value, call)

    async def refund(self, call: ProviderCall) -> Outcome:
        amount = mapping.to_wire_amount(call.amount, call.currency)
        if amount is None:
            return NotSent(cause="amount_not_expressible")
        value = await self._post(call, "/v1/refunds", wire.refund_form(call, amount))
        return _understood(value, call)

    async def read(self, call: ProviderCall) -> Outcome:
        match call.kind:
            case "authorize" if call.provider_reference is None:
                return await self._search(call)
            case "authorize":
                value = await self._get(call, f"/v1/payment_intents/{quote(call.provider_reference or '')}", _EXPAND)
                return _understood(value, call)
            case "refund":
                return await self._read_refund(call)
            case "capture" | "void":
                return _understood(await self._get(call, _intent(call), _EXPAND), call)

    async def answer_dispute(self, call: DisputeCall) -> DisputeAnswered:
        return await disputes.answer(self._http, call)

    def verify_webhook(
        self, headers: Mapping[str, str], body: bytes, account: ProviderAccount, now_s: float
    ) -> tuple[WebhookFact, ...]:
        lowered = {name.lower(): value for name, value in headers.items()}
        wire.check_signature(lowered.get("stripe-signature", ""), body, account.credentials["webhook_secret"], now_s)
        event = wire.event(body)
        if event["type"].startswith(disputes.PREFIX):
            return (disputes.fact(event),)
        if event["type"] not in mapping.EVENTS:
            return ()
        value = (event.get("data") or {}).get("object") or {}
        metadata = value.get("metadata") or {}
        undoes = event["type"] in mapping.UNDOING or value.get("cancellation_reason") in mapping.EXPIRED
        operation = metadata.get("payera_operation")
        fact = WebhookFact(event["id"], event["type"], operation, value.get("id"), undoes=undoes)
        # Captures are marks of their intent. Each is a fact of its own, known by an id of its own.
        marks = [name for name in metadata if name.startswith(mapping.MARK_PREFIX)]
        return (fact, *(WebhookFact(f"{event['id']}:{mark}", event["type"], mark, None) for mark in marks))

    async def _search(self, call: ProviderCall) -> Outcome:
        query = {"query": f'metadata["payera_operation"]:"{call.operation_id}"', **_EXPAND_LISTED}
        value = await self._get(call, "/v1/payment_intents/search", query)
        if not isinstance(value, Mapping):
            return value
        found = value.get("data")
        if not isinstance(found, list):
            return Unknown(cause="malformed", detail="no list in the search result")
        return _understood(found[0], call) if found else Absent()

    async def _read_refund(self, call: ProviderCall) -> Outcome:
        if call.provider_reference is not None:
            value = await self._get(call, f"/v1/refunds/{quote(call.provider_reference)}", {})
            return _understood(value, call)
        after: str | None = None
        while True:
            page = {"payment_intent": call.parent_reference or "", "limit": "100"}
            value = await self._get(call, "/v1/refunds", page | ({"starting_after": after} if after else {}))
            if not isinstance(value, Mapping):
                return value
            listed = value.get("data")
            if not isinstance(listed, list):
                return Unknown(cause="malformed", detail="no list of refunds")
            for item in listed:
                if (item.get("metadata") or {}).get("payera_operation") == call.operation_id:
                    return _understood(item, call)
            if not value.get("has_more") or not listed:
                return Absent()
            after = str(listed[-1]["id"])

    async def _post(self, call: ProviderCall, path: str, form: wire.Form) -> Mapping[str, Any] | Outcome:
        answer = await self._http.send(
            "POST",
            call.account.base_url + path,
            wire.headers(call, key=True),
            wire.encode(form),
            timeout_s=call.timeout_s,
            send_by=call.send_by_s,
        )
        settled = wire.unsettled(answer)
        if settled is not None or not isinstance(answer, Answer):
            return settled or Unknown(cause="malformed")
        value = answer.json() or {}
        return value if answer.status < 300 else wire.refusal(value, call)

    async def _get(self, call: ProviderCall, path: str, query: dict[str, str]) -> Mapping[str, Any] | Outcome:
        """A read. Whatever goes wrong with a read proves nothing about the operation."""
        url = call.account.base_url + path + (f"?{urlencode(query)}" if query else "")
        answer = await self._http.send("GET", url, wire.headers(call, key=False), timeout_s=call.timeout_s)
        if isinstance(answer, NotSent):
            return Unknown(cause="timeout", detail=f"read not sent: {answer.cause}")
        settled = wire.unsettled(answer)
        if settled is not None or not isinstance(answer, Answer):
            return settled or Unknown(cause="malformed")
        if answer.status >= 300:
            return Unknown(cause="conflict", detail=f"read answered HTTP {answer.status}")
        return answer.json() or {}


_EXPAND = {"expand[0]": "latest_charge"}
_EXPAND_LISTED = {"expand[0]": "data.latest_charge"}


_MEANINGS = {
    "authorize": mapping.authorization,
    "capture": mapping.capture,
    "void": mapping.void,
    "refund": mapping.refund,
}


def _understood(value: Mapping[str, Any] | Outcome, call: ProviderCall) -> Outcome:
    """What an object means for this kind of call; outcomes pass through."""
    if not isinstance(value, Mapping):
        return value
    try:
        return _MEANINGS[call.kind](value, call)
    except (KeyError, TypeError, ValueError):
        return Unknown(cause="malformed", detail="a field is missing or of another type")


def _intent(call: ProviderCall) -> str:
    return f"/v1/payment_intents/{quote(call.parent_reference or '')}"
