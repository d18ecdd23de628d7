"""Checkout.com's wire: JSON bodies, headers, the error envelope, the webhook's signature."""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

import orjson

from gateway.connectors.checkout import disputes
from gateway.connectors.checkout.declines import ERRORS
from gateway.connectors.checkout.mapping import EVENTS
from gateway.connectors.http import Answer
from gateway.domain.card import CardSecret, Secret
from gateway.domain.decline import DeclineReason
from gateway.domain.errors import BadSignature
from gateway.domain.outcome import Declined, NotSent, Outcome, Unknown
from gateway.use_cases.ports import ProviderCall, WebhookFact


def headers(call: ProviderCall, *, key: bool) -> dict[str, str]:
    """`key`: send our operation id as idempotency key (every POST)."""
    names = {"Authorization": f"Bearer {call.account.credentials['api_key'].reveal()}"}
    if key:
        names |= {"Content-Type": "application/json", "Cko-Idempotency-Key": call.operation_id}
    return names


def payment(call: ProviderCall, card: CardSecret, amount: int) -> bytes:
    """The one body that holds a card: it goes to the HTTP client and nowhere else. `amount` is in the PSP's units."""
    source: dict[str, Any] = {
        "type": "card",
        "number": card.pan.reveal(),
        "expiry_month": card.exp_month,
        "expiry_year": card.exp_year,
    }
    if card.cvv is not None:
        source["cvv"] = card.cvv.reveal()
    if card.holder_name is not None:
        source["name"] = card.holder_name
    metadata = {"payera_payment": call.payment_id}
    if call.merchant_reference is not None:
        metadata["payera_reference"] = call.merchant_reference
    body: dict[str, Any] = {
        "source": source,
        "amount": amount,
        "currency": call.currency,
        "capture": call.capture,
        "reference": call.operation_id,
        "processing_channel_id": str(call.account.settings.get("processing_channel_id", "")),
        "metadata": metadata,
    }
    if call.merchant_initiated:
        # The shopper agreed before; the scheme's id of that transaction is the proof, where it is known.
        body |= {"payment_type": "Unscheduled", "merchant_initiated": True}
        if call.network_transaction_id is not None:
            body["previous_payment_id"] = call.network_transaction_id
    if call.three_ds is not None:
        # An authentication made elsewhere; of protocol version 2 the xid is the directory server's transaction.
        body["3ds"] = {
            "enabled": True,
            "eci": call.three_ds.eci,
            "cryptogram": call.three_ds.cavv.reveal(),
            "xid": call.three_ds.ds_transaction_id,
            "version": call.three_ds.version,
        }
    if call.description is not None:
        body["description"] = call.description[:100]
    return orjson.dumps(body)


def action(call: ProviderCall, amount: int) -> bytes:
    """The body of a capture, void or refund."""
    body: dict[str, Any] = {"reference": call.operation_id, "metadata": {"payera_payment": call.payment_id}}
    if call.kind != "void":
        body["amount"] = amount
    if call.kind == "capture":
        body["capture_type"] = "Final" if call.final else "NonFinal"
    return orjson.dumps(body)


def settled(answer: Answer | NotSent | Unknown) -> Outcome | None:
    """The outcomes that do not depend on the verb, or None for an answer that must be looked into."""
    if not isinstance(answer, Answer):
        return answer
    match answer.status:
        case 200 | 201 | 202:
            return None
        case 429:
            # Also what Checkout.com says to a duplicate: the first one did arrive.
            duplicate = "duplicate_request" in _error_codes(answer)
            return Unknown(cause="in_progress" if duplicate else "rate_limited")
        case 409:
            return Unknown(cause="in_progress", detail="HTTP 409")
        case status if status >= 500 or status < 400:
            return Unknown(cause="server_error", detail=f"HTTP {status}")
        case 401 | 403 | 404:
            # Without a body: a wrong key; a state that does not allow it; no such payment.
            return Declined(DeclineReason.INVALID_REQUEST, provider_code=f"http_{answer.status}")
        case _:
            return _refusal(answer)


def _refusal(answer: Answer) -> Outcome:
    """A 4xx with Checkout.com's error envelope. The first code that is the shopper's to mend decides."""
    codes = _error_codes(answer)
    if not codes:
        return Unknown(cause="malformed", detail=f"HTTP {answer.status} without error codes")
    code = next((code for code in codes if code in ERRORS), codes[0])
    return Declined(ERRORS.get(code, DeclineReason.INVALID_REQUEST), provider_code=code, message=", ".join(codes))


def _error_codes(answer: Answer) -> list[str]:
    codes = (answer.json() or {}).get("error_codes")
    return [str(code) for code in codes] if isinstance(codes, list) else []


def items(answer: Answer) -> Mapping[str, Any] | None:
    """A JSON list of objects as `{"items": […]}`, or None if the body is anything else."""
    try:
        value = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        return None
    return {"items": value}


def check_signature(given: str, body: bytes, secret: Secret) -> None:
    """`Cko-Signature`: hex HMAC-SHA256 of the raw body. Raises `BadSignature`."""
    expected = hmac.new(secret.reveal().encode(), body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), given.lower().encode()):
        raise BadSignature


def facts(body: bytes) -> tuple[WebhookFact, ...]:
    """What a signed event says of our operations: a hint each. Raises `BadSignature` for what is no event."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        value = None
    if not isinstance(value, dict) or not isinstance(value.get("id"), str) or not isinstance(value.get("type"), str):
        raise BadSignature("the body is not an event")
    prefix = EVENTS.get(value["type"])
    data = value.get("data")
    if value["type"] in disputes.EVENTS and isinstance(data, dict):
        return (disputes.fact(value, data),)
    if prefix is None or not isinstance(data, dict):
        return ()
    reference = data.get("reference")
    ours = reference if isinstance(reference, str) and reference.startswith(prefix) else None
    if value["type"] == "payment_capture_declined" and str(reference).startswith("att_"):
        # A capture at once bears its payment's reference: what was taken for captured is only authorized.
        return (WebhookFact(value["id"], value["type"], reference, data.get("id"), undoes=True),)
    if value["type"] == "payment_expired":
        return (WebhookFact(value["id"], value["type"], ours, data.get("id"), undoes=True),)
    known = data.get("id") if prefix == "att_" else data.get("action_id")
    return (WebhookFact(value["id"], value["type"], ours, known if isinstance(known, str) else None),)
