"""Stripe's wire: form bodies with nested keys, headers, the error envelope, the webhook's signature."""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import orjson

from gateway.connectors.http import Answer
from gateway.connectors.stripe.mapping import decline, void
from gateway.domain.card import CardSecret, Secret
from gateway.domain.errors import BadSignature
from gateway.domain.outcome import NotSent, Outcome, Unknown
from gateway.use_cases.ports import ProviderCall

API_VERSION = "2023-08-16"
TOLERANCE_S = 300

Form = dict[str, str | int]


def headers(call: ProviderCall, *, key: bool) -> dict[str, str]:
    """`key`: send our operation id as idempotency key (every POST)."""
    names = {
        "Authorization": f"Bearer {call.account.credentials['api_key'].reveal()}",
        "Stripe-Version": API_VERSION,
        "Content-Type": "application/x-www-form-urlencoded",
    }
    if key:
        names["Idempotency-Key"] = call.operation_id
    return names


def encode(form: Form) -> bytes:
    return urlencode(form).encode()


def authorize_form(call: ProviderCall, card: CardSecret, amount: int) -> Form:
    """One call creates and confirms. `off_session` is set only where the shopper is not there."""
    form: Form = {
        "amount": amount,
        "currency": call.currency.lower(),
        "confirm": "true",
        "capture_method": "automatic" if call.capture else "manual",
        "payment_method_types[0]": "card",
        "payment_method_data[type]": "card",
        "payment_method_data[card][number]": card.pan.reveal(),
        "payment_method_data[card][exp_month]": card.exp_month,
        "payment_method_data[card][exp_year]": card.exp_year,
        "metadata[payera_operation]": call.operation_id,
        "metadata[payera_payment]": call.payment_id,
        "expand[0]": "latest_charge",
    }
    if not call.capture:
        # Stripe decides by the card's network; where it is not available, a capture that is not final is refused.
        form["payment_method_options[card][request_multicapture]"] = "if_available"
    if call.merchant_initiated:
        # The shopper agreed before; the network's id of that transaction is the proof, where it is known.
        form["off_session"] = "true"
        exemption = "payment_method_options[card][mit_exemption]"
        if call.network_transaction_id is not None:
            form[f"{exemption}[network_transaction_id]"] = call.network_transaction_id
        else:
            form[f"{exemption}[claim_without_transaction_id]"] = "true"
    if call.three_ds is not None:
        proof = "payment_method_options[card][three_d_secure]"
        form[f"{proof}[version]"] = call.three_ds.version
        form[f"{proof}[electronic_commerce_indicator]"] = call.three_ds.eci
        form[f"{proof}[cryptogram]"] = call.three_ds.cavv.reveal()
        form[f"{proof}[transaction_id]"] = call.three_ds.ds_transaction_id
    if card.cvv is not None:
        form["payment_method_data[card][cvc]"] = card.cvv.reveal()
    if card.holder_name is not None:
        form["payment_method_data[billing_details][name]"] = card.holder_name
    if call.description is not None:
        form["description"] = call.description
    if call.merchant_reference is not None:
        form["metadata[payera_reference]"] = call.merchant_reference
    return form


def capture_form(call: ProviderCall, amount: int) -> Form:
    # The mark of this capture: metadata of the intent, written in the same commit at Stripe as the capture itself.
    form: Form = {
        "amount_to_capture": amount,
        f"metadata[{call.operation_id}]": call.amount,
        "expand[0]": "latest_charge",
    }
    return form if call.final else form | {"final_capture": "false"}


def refund_form(call: ProviderCall, amount: int) -> Form:
    return {
        "payment_intent": call.parent_reference or "",
        "amount": amount,
        "metadata[payera_operation]": call.operation_id,
        "metadata[payera_payment]": call.payment_id,
    }


def unsettled(answer: Answer | NotSent | Unknown) -> Outcome | None:
    """The outcomes that do not depend on the verb, or None for an answer that must be looked into."""
    if not isinstance(answer, Answer):
        return answer
    error = (answer.json() or {}).get("error")
    code = error.get("code") if isinstance(error, Mapping) else None
    match answer.status:
        case 429:
            return Unknown(cause="rate_limited")
        case 409:
            # The key is in use, or another request holds the object (`lock_timeout`): both pass.
            return Unknown(cause="in_progress", detail=code)
        case status if status >= 500 or status < 200 or 300 <= status < 400:
            return Unknown(cause="server_error", detail=f"HTTP {status}")
        case _ if answer.json() is None:
            return Unknown(cause="malformed", detail=f"HTTP {answer.status}")
        case 400 if isinstance(error, Mapping) and error.get("type") == "idempotency_error":
            # The key was used with other parameters: that first request did arrive, so it must be read.
            return Unknown(cause="conflict", detail="idempotency_error")
        case _:
            return None


def refusal(value: Mapping[str, Any], call: ProviderCall) -> Outcome:
    """A 4xx with Stripe's error envelope."""
    error = value.get("error")
    if not isinstance(error, Mapping):
        return Unknown(cause="malformed", detail="no error object")
    intent = error.get("payment_intent")
    if not isinstance(intent, Mapping):
        return decline(error, None)
    if call.kind == "void" and intent.get("status") == "canceled":
        return void(intent, call)  # somebody, or the PSP's own expiry, was first: what was asked for is so
    return decline(error, str(intent["id"]))


def check_signature(header: str, body: bytes, secret: Secret, now_s: float) -> None:
    """`Stripe-Signature: t=<unix>,v1=<hex>[,v1=…]` over "t.body". Raises `BadSignature`."""
    pairs = [part.strip().partition("=") for part in header.split(",")]
    stamps = [value for name, _, value in pairs if name == "t"]
    given = [value for name, _, value in pairs if name == "v1"]
    if len(stamps) != 1 or not stamps[0].isdigit() or not given:
        raise BadSignature("the header is not a Stripe-Signature")
    if abs(now_s - int(stamps[0])) > TOLERANCE_S:
        raise BadSignature("the timestamp is too far away")
    signed = stamps[0].encode() + b"." + body
    expected = hmac.new(secret.reveal().encode(), signed, hashlib.sha256).hexdigest().encode()
    # Every given value is compared, so the time does not tell which one of a rotation matched.
    if not sum(hmac.compare_digest(expected, value.encode()) for value in given):
        raise BadSignature


def event(body: bytes) -> dict[str, Any]:
    """Raises `BadSignature` for a signed body that is not an event: nobody but Stripe could have signed it."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        value = None
    if not isinstance(value, dict) or not isinstance(value.get("id"), str) or not isinstance(value.get("type"), str):
        raise BadSignature("the body is not an event")
    return value
