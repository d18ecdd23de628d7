"""Dummypay's disputes: what a notification says of one, and the merchant's answer to it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, get_args
from urllib.parse import quote

import orjson

from gateway.connectors.http import Answer, HttpClient
from gateway.domain.dispute import DisputeFact, DisputeReason, DisputeStatus, reason_of
from gateway.use_cases.ports import DisputeAnswered, DisputeCall, WebhookFact

STATUSES: dict[str, DisputeStatus] = {status: status for status in get_args(DisputeStatus)}
REASONS = {reason.value: reason for reason in DisputeReason}


def fact(event: Mapping[str, Any], value: Mapping[str, Any]) -> WebhookFact:
    """A `dispute.*` event. What lacks a field, or has a status that nobody mapped, is kept without a dispute."""
    try:
        told = _dispute(value)
    except (KeyError, TypeError, ValueError):
        told = None
    return WebhookFact(event["id"], event["type"], value.get("reference"), value.get("charge"), dispute=told)


def _dispute(value: Mapping[str, Any]) -> DisputeFact | None:
    status, amount = STATUSES.get(str(value["status"])), int(value["amount"])
    if status is None or amount <= 0:
        return None
    return DisputeFact(
        provider_reference=str(value["id"]),
        status=status,
        amount=amount,
        currency=str(value["currency"]),
        reason=REASONS.get(str(value["reason"]), reason_of(value["network_code"])),
        at=datetime.fromtimestamp(int(value["updated"]), UTC),
        network_code=value["network_code"],
        moves=int(value["moves"]),
        evidence_due_at=datetime.fromtimestamp(int(value["respond_by"]), UTC),
    )


async def answer(http: HttpClient, call: DisputeCall) -> DisputeAnswered:
    """Accept the dispute, or send evidence."""
    verb = "accept" if call.answer == "accept" else "evidence"
    url = f"{call.account.base_url}/v1/disputes/{quote(call.provider_reference, safe='')}/{verb}"
    headers = {
        "Authorization": f"Bearer {call.account.credentials['api_key'].reveal()}",
        "Content-Type": "application/json",
        "Idempotency-Key": call.key,
    }
    body = orjson.dumps({} if call.text is None else {"text": call.text})
    said = await http.send("POST", url, headers, body, timeout_s=call.timeout_s)
    if not isinstance(said, Answer) or said.status >= 500 or said.status == 429:
        return "unknown"
    # A key that is in use, or was used otherwise, proves nothing about the dispute.
    error = (said.json() or {}).get("error")
    if said.status == 409 and isinstance(error, Mapping) and error.get("type") in ("key_in_use", "key_reused"):
        return "unknown"
    return "done" if said.status < 300 else "refused"
