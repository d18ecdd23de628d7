"""Adyen's standard notifications: the signature inside the body, and what each event says of our operations."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from gateway.connectors.adyen import disputes, mapping
from gateway.domain.card import Secret
from gateway.domain.decline import DeclineReason
from gateway.domain.errors import BadSignature
from gateway.domain.outcome import Approved, Declined, Expired, Outcome, Reversed
from gateway.use_cases.ports import WebhookFact

Item = Mapping[str, Any]

PREFIXES = {
    "AUTHORISATION": "att_",
    "CAPTURE": "cap_",
    "CAPTURE_FAILED": "cap_",
    "CANCELLATION": "void_",
    "REFUND": "ref_",
    "REFUND_FAILED": "ref_",
    "REFUNDED_REVERSED": "ref_",
}
"""The events that decide one of our operations, and how its id begins. Every other event is kept with its payment."""

FAILED_LATER = frozenset({"CAPTURE_FAILED", "REFUND_FAILED", "REFUNDED_REVERSED"})
"""What was confirmed before did not happen after all; `success` says that the event is so, not that money moved."""

CLOSED = frozenset({"6", "8"})
"""Codes of refusal reasons that, of a refund, say that there is no account behind the card any more."""


def verified(body: bytes, secret: Secret) -> tuple[Item, ...]:
    """The items of a notification, every one of them signed. Raises `BadSignature`, also for what is no notification.

    The signature is base64 HMAC-SHA256 under the key, decoded from hex, over eight fields joined by colons.
    """
    try:
        key = bytes.fromhex(secret.reveal())
    except ValueError:
        raise BadSignature("the HMAC key of this account is not hexadecimal") from None
    items = tuple(_items(body))
    if not items:
        raise BadSignature("the body is not a notification")
    for item in items:
        given = _text(_mapping(item.get("additionalData")).get("hmacSignature"))
        expected = hmac.new(key, ":".join(_signed(item)).encode(), hashlib.sha256).digest()
        try:
            holds = hmac.compare_digest(base64.b64decode(given, validate=True), expected)
        except (binascii.Error, ValueError):
            holds = False
        if not holds:
            raise BadSignature
    return items


def fact(item: Item) -> WebhookFact:
    """One event as a fact. Adyen gives events no id: the event's name, reference and verdict are one."""
    name, success, reference = (_text(item.get(field)) for field in ("eventCode", "success", "pspReference"))
    prefix = PREFIXES.get(name)
    event_id = f"{name}:{reference}:{success}"
    if name == "EXPIRE" and success == "true":
        payment = _text(item.get("originalReference")) or reference
        return WebhookFact(event_id, name, None, payment, Expired(payment))
    merchant_reference = _text(item.get("merchantReference"))
    if name in disputes.EVENTS:
        # A dispute bears one reference all along, and may come to the same point twice: the time tells them apart.
        attempt = merchant_reference if merchant_reference.startswith("att_") else None
        about, told = _text(item.get("originalReference")) or reference, disputes.dispute(item)
        return WebhookFact(f"{event_id}:{_text(item.get('eventDate'))}", name, attempt, about, dispute=told)
    if prefix is None:
        # Of the payment, not of an operation: a report of fraud, an issuer's comments.
        return WebhookFact(event_id, name, None, _text(item.get("originalReference")) or reference)
    if name == "CAPTURE_FAILED" and merchant_reference.startswith("att_"):
        # A capture that Adyen made by itself: it bears the payment's reference.
        payment = _text(item.get("originalReference"))
        return WebhookFact(event_id, name, merchant_reference, payment, _outcome(item, name, payment, True))
    ours = merchant_reference if merchant_reference.startswith(prefix) else None
    return WebhookFact(event_id, name, ours, reference, _outcome(item, name, reference, success == "true"))


def _outcome(item: Item, name: str, reference: str, success: bool) -> Outcome:
    more = _mapping(item.get("additionalData"))
    if success and name not in FAILED_LATER:
        amount = _mapping(item.get("amount"))
        currency = _text(amount.get("currency"))
        return Approved(
            provider_reference=reference,
            amount=mapping.from_wire_amount(int(amount.get("value") or 0), currency),
            currency=currency,
            captured=name == "CAPTURE",
            network_transaction_id=more.get("networkTxReference"),
        )
    reason = _text(item.get("reason"))
    if name == "AUTHORISATION":
        code = mapping.code_of(_text(more.get("refusalReasonCode")), reason)
        return mapping.declined(code, reason, reference, more)
    if name in FAILED_LATER:
        return Reversed(_closed(reason) or DeclineReason.GENERIC_DECLINE, name, reference, reason)
    if name == "REFUND" and (closed := _closed(reason)) is not None:
        return Declined(closed, provider_code=name, provider_reference=reference, message=reason)
    # Not the issuer's word: the modification was not possible. Nothing else follows from it.
    return Declined(DeclineReason.INVALID_REQUEST, provider_code=name, provider_reference=reference, message=reason)


def _closed(reason: str) -> DeclineReason | None:
    return DeclineReason.CARD_CLOSED if mapping.code_of("", reason) in CLOSED else None


def _items(body: bytes) -> Iterator[Item]:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return
    listed = _mapping(value).get("notificationItems")
    for entry in listed if isinstance(listed, list) else ():
        yield _mapping(_mapping(entry).get("NotificationRequestItem"))


def _signed(item: Item) -> Iterator[str]:
    for name in ("pspReference", "originalReference", "merchantAccountCode", "merchantReference"):
        yield _text(item.get(name))
    amount = _mapping(item.get("amount"))
    yield _text(amount.get("value"))
    yield _text(amount.get("currency"))
    yield _text(item.get("eventCode"))
    yield _text(item.get("success"))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str:
    return "" if value is None or isinstance(value, bool) else str(value)
