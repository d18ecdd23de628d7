"""Checkout.com's verbs. What goes over the wire is in `wire`, what it means in `mapping`."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from gateway.connectors.checkout import disputes, mapping, wire
from gateway.connectors.checkout.spec import SPEC
from gateway.connectors.http import Answer, HttpClient
from gateway.domain.card import CardSecret
from gateway.domain.outcome import Absent, NotSent, Outcome, Pending, Unknown
from gateway.use_cases.ports import (
    ConnectorSpec,
    DisputeAnswered,
    DisputeCall,
    ProviderAccount,
    ProviderCall,
    WebhookFact,
)

PATHS = {"capture": "captures", "void": "voids", "refund": "refunds"}


class CheckoutConnector:
    """See the package's docstring for what is sent and how an unknown is resolved."""

    spec: ConnectorSpec = SPEC

    def __init__(self, http: HttpClient) -> None:
        self._http = http

    async def authorize(self, call: ProviderCall, card: CardSecret) -> Outcome:
        amount = mapping.to_wire_amount(call.amount, call.currency)
        return await self._post(call, "/payments", wire.payment(call, card, amount), mapping.authorization)

    async def capture(self, call: ProviderCall) -> Outcome:
        return await self._act(call)

    async def void(self, call: ProviderCall) -> Outcome:
        return await self._act(call)

    async def refund(self, call: ProviderCall) -> Outcome:
        return await self._act(call)

    async def read(self, call: ProviderCall) -> Outcome:
        if call.kind != "authorize":
            return await self._read_action(call)
        if call.provider_reference is not None:
            found = await self._get(call, f"/payments/{quote(call.provider_reference, safe='')}")
        else:
            found = await self._find(call)
        if isinstance(found, Mapping) and found.get("status") == "Declined":
            # The payment does not say why it was declined; its action does.
            actions = await self._actions(call, str(found.get("id")))
            found = {**found, "actions": actions} if isinstance(actions, list) else actions
        if isinstance(found, Mapping) and found.get("status") == "Authorized" and call.capture:
            # It was to be captured at once. That it was refused is said by the action alone.
            actions = await self._actions(call, str(found.get("id")))
            if not isinstance(actions, list):
                return actions
            found = {**found, "capture_declined": mapping.capture_declined(actions)}
        return _understood(mapping.payment, found, call)

    async def answer_dispute(self, call: DisputeCall) -> DisputeAnswered:
        return await disputes.answer(self._http, call)

    def verify_webhook(
        self, headers: Mapping[str, str], body: bytes, account: ProviderAccount, now_s: float
    ) -> tuple[WebhookFact, ...]:
        lowered = {name.lower(): value for name, value in headers.items()}
        wire.check_signature(lowered.get("cko-signature", ""), body, account.credentials["webhook_secret"])
        return wire.facts(body)

    async def _find(self, call: ProviderCall) -> Mapping[str, Any] | Outcome:
        """The payment that bears our reference."""
        found = await self._get(call, f"/payments?{urlencode({'reference': call.operation_id, 'limit': 10})}")
        if not isinstance(found, Mapping):
            return found
        listed = found.get("data")
        if not isinstance(listed, list) or not all(isinstance(item, Mapping) for item in listed):
            return Unknown(cause="malformed", detail="no list of payments")
        ours: list[Mapping[str, Any]] = [item for item in listed if item.get("reference") == call.operation_id]
        # Two that bear it: the key was executed twice. A decline is no reason to overlook the other one.
        ours.sort(key=lambda item: item.get("approved") is not True)
        return ours[0] if ours else Absent()

    async def _read_action(self, call: ProviderCall) -> Outcome:
        actions = await self._actions(call, call.parent_reference or "")
        if not isinstance(actions, list):
            return actions
        for action in actions:
            if action.get("reference") == call.operation_id or action.get("id") == call.provider_reference:
                return _understood(mapping.action, action, call)
        # Accepted with an id of its own: it is under way, though the list does not show it yet.
        return Absent() if call.provider_reference is None else Pending(call.provider_reference)

    async def _actions(self, call: ProviderCall, payment_id: str) -> list[Mapping[str, Any]] | Outcome:
        found = await self._get(call, f"/payments/{quote(payment_id, safe='')}/actions", listed=True)
        if not isinstance(found, Mapping):
            return found
        actions: list[Mapping[str, Any]] = found["items"]
        return actions

    async def _act(self, call: ProviderCall) -> Outcome:
        """A capture, void or refund of the payment that the call's parent reference names."""
        path = f"/payments/{quote(call.parent_reference or '', safe='')}/{PATHS[call.kind]}"
        amount = mapping.to_wire_amount(call.amount, call.currency)
        return await self._post(call, path, wire.action(call, amount), mapping.accepted)

    async def _post(
        self,
        call: ProviderCall,
        path: str,
        body: bytes,
        meaning: Callable[[Mapping[str, Any], ProviderCall], Outcome],
    ) -> Outcome:
        answer = await self._http.send(
            "POST",
            call.account.base_url + path,
            wire.headers(call, key=True),
            body,
            timeout_s=call.timeout_s,
            send_by=call.send_by_s,
        )
        settled = wire.settled(answer)
        if settled is not None or not isinstance(answer, Answer):
            return settled or Unknown(cause="malformed")
        value = answer.json()
        if value is None:
            return Unknown(cause="malformed", detail=f"HTTP {answer.status} without a JSON object")
        return _understood(meaning, value, call)

    async def _get(self, call: ProviderCall, path: str, *, listed: bool = False) -> Mapping[str, Any] | Outcome:
        """A read: an object, or `{"items": […]}` for a list. Whatever goes wrong with a read proves nothing."""
        url = call.account.base_url + path
        answer = await self._http.send("GET", url, wire.headers(call, key=False), timeout_s=call.timeout_s)
        if isinstance(answer, NotSent):
            return Unknown(cause="timeout", detail=f"read not sent: {answer.cause}")
        if isinstance(answer, Answer) and 400 <= answer.status < 500 and answer.status != 429:
            return Unknown(cause="conflict", detail=f"read answered HTTP {answer.status}")
        settled = wire.settled(answer)
        if settled is not None or not isinstance(answer, Answer):
            return settled or Unknown(cause="malformed")
        value = wire.items(answer) if listed else answer.json()
        return Unknown(cause="malformed", detail="the read's answer is no JSON as expected") if value is None else value


def _understood(
    meaning: Callable[[Mapping[str, Any], ProviderCall], Outcome],
    value: Mapping[str, Any] | Outcome,
    call: ProviderCall,
) -> Outcome:
    """What an answer means; outcomes pass through."""
    if not isinstance(value, Mapping):
        return value
    try:
        return meaning(value, call)
    except (KeyError, TypeError, ValueError):
        return Unknown(cause="malformed", detail="a field is missing or of another type")
