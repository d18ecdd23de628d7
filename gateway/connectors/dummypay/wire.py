"""Dummypay's wire: JSON bodies, headers, the error envelope, the webhook's signature."""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

import orjson

from gateway.connectors.http import Answer
from gateway.domain.card import CardSecret, Secret
from gateway.domain.decline import DeclineReason
from gateway.domain.errors import BadSignature
from gateway.domain.outcome import Declined, NotSent, Outcome, Unknown
from gateway.domain.threeds import ThreeDsProof
from gateway.use_cases.ports import ProviderCall

SIGNATURE = "dummypay-signature"
TOLERANCE_S = 300


def headers(call: ProviderCall, *, key: bool) -> dict[str, str]:
    """`key`: send our operation id as idempotency key (every POST)."""
    names = {"Authorization": f"Bearer {call.account.credentials['api_key'].reveal()}"}
    if key:
        names |= {"Content-Type": "application/json", "Idempotency-Key": call.operation_id}
    return names


def authorize_body(call: ProviderCall, card: CardSecret) -> bytes:
    """The one body that holds a card: it goes to the HTTP client and nowhere else."""
    sent = {"number": card.pan.reveal(), "exp_month": card.exp_month, "exp_year": card.exp_year}
    if card.cvv is not None:
        sent["cvc"] = card.cvv.reveal()
    if card.holder_name is not None:
        sent["name"] = card.holder_name
    return orjson.dumps(
        {
            "amount": call.amount,
            "currency": call.currency,
            "card": sent,
            "capture": call.capture,
            "reference": call.operation_id,
            "payment": call.payment_id,
            "description": call.description,
        }
        | _agreed_before(call)
        | _authenticated(call.three_ds)
    )


def _agreed_before(call: ProviderCall) -> dict[str, Any]:
    """What a payment that the merchant initiates says more."""
    if not call.merchant_initiated:
        return {}
    return {"initiator": "merchant", "previous_network_transaction_id": call.network_transaction_id}


def _authenticated(proof: ThreeDsProof | None) -> dict[str, Any]:
    """What a payment whose shopper was authenticated elsewhere says more."""
    if proof is None:
        return {}
    return {
        "authentication": {
            "version": proof.version,
            "eci": proof.eci,
            "cavv": proof.cavv.reveal(),
            "ds_transaction_id": proof.ds_transaction_id,
        }
    }


def operation_body(call: ProviderCall) -> bytes:
    """The body of a capture, void or refund."""
    body: dict[str, Any] = {"reference": call.operation_id}
    if call.kind != "void":
        body["amount"] = call.amount
    if call.kind == "capture":
        body["final"] = call.final
    return orjson.dumps(body)


def settled(answer: Answer | NotSent | Unknown) -> Outcome | None:
    """The outcomes that do not depend on the verb, or None for a 200 that must be looked into."""
    if not isinstance(answer, Answer):
        return answer
    value = answer.json()
    match answer.status:
        case 200:
            return Unknown(cause="malformed", detail="no JSON object") if value is None else None
        case 429:
            return Unknown(cause="rate_limited")
        case status if status >= 500 or status < 400:
            return Unknown(cause="server_error", detail=f"HTTP {status}")
        case _ if value is None or not isinstance(value.get("error"), Mapping):
            return Unknown(cause="malformed", detail=f"HTTP {answer.status} without an error object")
    error: Mapping[str, Any] = value["error"]
    match error.get("type"):
        case "key_in_use":
            return Unknown(cause="in_progress")
        case "key_reused":
            # Another request came with our key: one of ours did arrive, so it must be read.
            return Unknown(cause="conflict", detail="key_reused")
        case word:
            return Declined(DeclineReason.INVALID_REQUEST, provider_code=str(word), message=error.get("message"))


def check_signature(header: str, body: bytes, secret: Secret, now_s: float) -> None:
    """`t=<unix>,v1=<hex>[,v1=…]` over "t.body". Raises `BadSignature`."""
    pairs = [part.strip().partition("=") for part in header.split(",")]
    stamps = [value for name, _, value in pairs if name == "t"]
    given = [value for name, _, value in pairs if name == "v1"]
    if len(stamps) != 1 or not stamps[0].isascii() or not stamps[0].isdigit() or not given:
        raise BadSignature("the header is not a signature")
    if abs(now_s - int(stamps[0])) > TOLERANCE_S:
        raise BadSignature("the timestamp is too far away")
    digest = hmac.new(secret.reveal().encode(), stamps[0].encode() + b"." + body, hashlib.sha256).hexdigest()
    # Every given value is compared, so the time does not tell which one of a rotation matched.
    if not sum(hmac.compare_digest(digest.encode(), value.encode()) for value in given):
        raise BadSignature


def event(body: bytes) -> dict[str, Any]:
    """Raises `BadSignature` for a signed body that is not an event."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        value = None
    if not isinstance(value, dict) or not isinstance(value.get("id"), str) or not isinstance(value.get("type"), str):
        raise BadSignature("the body is not an event")
    return value
