"""Adyen's wire: JSON bodies, headers, the error envelope. Notifications are in `notification`."""

from collections.abc import Mapping
from typing import Any

import orjson

from gateway.connectors.adyen.mapping import ERRORS
from gateway.connectors.http import Answer
from gateway.domain.card import CardSecret
from gateway.domain.decline import DeclineReason
from gateway.domain.outcome import Declined, NotSent, Outcome, Unknown
from gateway.domain.threeds import ThreeDsProof
from gateway.use_cases.ports import ProviderCall

VERSION = "/v71"

RETURN_URL = "https://shop.example/return"
"""Adyen wants one with every payment, redirect or not. `settings.return_url` of the account replaces it."""

IN_PROGRESS = "704"
"""Adyen's code for a request whose key is under way elsewhere, or was."""


def headers(call: ProviderCall) -> dict[str, str]:
    """Every call is a POST with our operation id as idempotency key."""
    return {
        "X-API-Key": call.account.credentials["api_key"].reveal(),
        "Content-Type": "application/json",
        "Idempotency-Key": call.operation_id,
    }


def payment(call: ProviderCall, card: CardSecret, amount: int) -> bytes:
    """The one body that holds a card: it goes to the HTTP client and nowhere else. `amount` is in Adyen's units."""
    method: dict[str, Any] = {
        "type": "scheme",
        "number": card.pan.reveal(),
        "expiryMonth": f"{card.exp_month:02d}",
        "expiryYear": str(card.exp_year),
    }
    if card.cvv is not None:
        method["cvc"] = card.cvv.reveal()
    if card.holder_name is not None:
        method["holderName"] = card.holder_name
    body = _addressed(call, amount) | {
        "returnUrl": str(call.account.settings.get("return_url", RETURN_URL)),
        "paymentMethod": method,
        "shopperInteraction": "ContAuth" if call.merchant_initiated else "Ecommerce",
        "metadata": {"payera_payment": call.payment_id},
    }
    if call.merchant_initiated:
        # The shopper agreed before; the network's reference of that transaction is the proof, where it is known.
        body["recurringProcessingModel"] = "UnscheduledCardOnFile"
        if call.network_transaction_id is not None:
            method["networkPaymentReference"] = call.network_transaction_id
    if call.three_ds is not None:
        body["mpiData"] = authenticated(call.three_ds)
    if call.merchant_reference is not None:
        body["merchantOrderReference"] = call.merchant_reference
    if call.mcc is not None:
        body["mcc"] = call.mcc
    # Said either way, whatever the account's own setting is.
    body |= {"captureDelayHours": 0} if call.capture else {"additionalData": {"manualCapture": "true"}}
    return orjson.dumps(body)


def authenticated(proof: ThreeDsProof) -> dict[str, str]:
    """`mpiData`: an authentication made elsewhere. Attempted ones bear the ECI of an attempt and say A."""
    status = "A" if proof.eci in ("06", "01") else "Y"
    data = {
        "threeDSVersion": proof.version,
        "eci": proof.eci,
        "cavv": proof.cavv.reveal(),
        "dsTransID": proof.ds_transaction_id,
        "directoryResponse": status,
        "authenticationResponse": status,
    }
    return data if proof.xid is None else data | {"xid": proof.xid}


def modification(call: ProviderCall, amount: int | None) -> bytes:
    """A capture or refund of `amount`, or a cancel."""
    return orjson.dumps(_addressed(call, amount))


def _addressed(call: ProviderCall, amount: int | None) -> dict[str, Any]:
    body: dict[str, Any] = {
        "merchantAccount": str(call.account.settings.get("merchant_account", "")),
        "reference": call.operation_id,
    }
    if amount is not None:
        body["amount"] = {"currency": call.currency, "value": amount}
    return body


def settled(answer: Answer | NotSent | Unknown) -> Outcome | None:
    """The outcomes that do not depend on the verb, or None for an answer that must be looked into."""
    if not isinstance(answer, Answer):
        return answer
    value = answer.json()
    match answer.status:
        case 200 | 201:
            return Unknown(cause="malformed", detail="no JSON object") if value is None else None
        case 429:
            return Unknown(cause="rate_limited")
        case status if status >= 500 or status < 400:
            return Unknown(cause="server_error", detail=f"HTTP {status}")
        case _ if answer.headers.get("transient-error") == "true":
            return Unknown(cause="in_progress", detail="transient-error")
        case _ if value is None:
            return Unknown(cause="malformed", detail=f"HTTP {answer.status} without an error object")
        case _:
            return _refusal(value, answer.status)


def _refusal(value: Mapping[str, Any], status: int) -> Outcome:
    """A 4xx with Adyen's error envelope."""
    code = value.get("errorCode")
    if code is None and value.get("errorType") is None:
        return Unknown(cause="malformed", detail=f"HTTP {status} without an error object")
    if code == IN_PROGRESS:
        return Unknown(cause="in_progress", detail=IN_PROGRESS)
    return Declined(
        reason=ERRORS.get(str(code), DeclineReason.INVALID_REQUEST),
        provider_code=str(code or value["errorType"]),
        provider_reference=value.get("pspReference"),
        message=value.get("message"),
    )
