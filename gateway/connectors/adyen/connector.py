"""Adyen's verbs. What goes over the wire is in `wire`, what it means in `mapping`."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from gateway.connectors.adyen import mapping, notification, wire
from gateway.connectors.adyen.spec import SPEC
from gateway.connectors.http import Answer, HttpClient
from gateway.domain.card import CardSecret
from gateway.domain.outcome import NotSent, Outcome, Unknown
from gateway.use_cases.ports import ConnectorSpec, ProviderAccount, ProviderCall, WebhookFact


class AdyenConnector:
    """See the package's docstring for what is sent and how an unknown is resolved."""

    spec: ConnectorSpec = SPEC

    def __init__(self, http: HttpClient) -> None:
        self._http = http

    async def authorize(self, call: ProviderCall, card: CardSecret) -> Outcome:
        amount = mapping.to_wire_amount(call.amount, call.currency)
        if amount is None:
            return NotSent(cause="amount_not_expressible")
        value = await self._post(call, "/payments", wire.payment(call, card, amount))
        return _understood(mapping.authorization, value, call)

    async def capture(self, call: ProviderCall) -> Outcome:
        return await self._modify(call, "captures")

    async def void(self, call: ProviderCall) -> Outcome:
        return await self._modify(call, "cancels")

    async def refund(self, call: ProviderCall) -> Outcome:
        return await self._modify(call, "refunds")

    async def read(self, call: ProviderCall) -> Outcome:
        """Adyen has no endpoint for it, and no declared means leads here: whatever asks learns nothing."""
        return Unknown(cause="in_progress", detail="Adyen cannot be asked, it tells")

    def verify_webhook(
        self, headers: Mapping[str, str], body: bytes, account: ProviderAccount, now_s: float
    ) -> tuple[WebhookFact, ...]:
        """The signatures stand in the body and cover no time; a repeated event is known by its id."""
        items = notification.verified(body, account.credentials["webhook_secret"])
        return tuple(notification.fact(item) for item in items)

    async def _modify(self, call: ProviderCall, kind: str) -> Outcome:
        amount = mapping.to_wire_amount(call.amount, call.currency)
        if amount is None:
            return NotSent(cause="amount_not_expressible")
        path = f"/payments/{quote(call.parent_reference or '', safe='')}/{kind}"
        value = await self._post(call, path, wire.modification(call, None if call.kind == "void" else amount))
        return _understood(mapping.modification, value, call)

    async def _post(self, call: ProviderCall, path: str, body: bytes) -> Mapping[str, Any] | Outcome:
        answer = await self._http.send(
            "POST",
            call.account.base_url + wire.VERSION + path,
            wire.headers(call),
            body,
            timeout_s=call.timeout_s,
            send_by=call.send_by_s,
        )
        settled = wire.settled(answer)
        if settled is not None or not isinstance(answer, Answer):
            return settled or Unknown(cause="malformed")
        return answer.json() or {}


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
