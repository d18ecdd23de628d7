"""How Adyen's wire looks: credentials, parsing, idempotency, the signature inside a notification."""

import base64
import binascii
import hashlib
import hmac
import random
from collections.abc import Mapping
from typing import Any

import orjson

from simulators.adyen import errors, movements
from simulators.kit.accounts import ALPHANUMERIC
from simulators.kit.http import Refusal, Request
from simulators.kit.idempotency import IdempotencyPolicy
from simulators.kit.spec import Dialect, Signed

PAGES_BELOW = "/simulator/"
MAX_KEY = 64
"""Characters of an idempotency key, from Adyen's page "API idempotency"."""
KEY_RETENTION_S = 7 * 86_400.0
"""Older pages promise 31 days, newer ones 7: nobody may count on more than the shorter time."""
_MINUTE, _HOUR = 60.0, 3600.0
_GROWING = (9.0, 18.0, 27.0, *(m * _MINUTE for m in (2, 5, 10, 15, 30)), *(h * _HOUR for h in (1, 2, 4, 8)))
WEBHOOK_SCHEDULE_S = (*_GROWING, *(8 * _HOUR,) * 87)
"""Three quick tries, then growing pauses up to eight hours, for thirty days in all."""
SIGNED_FIELDS = ("pspReference", "originalReference", "merchantAccountCode", "merchantReference")


def credential(request: Request) -> str | None:
    """The API key of `X-API-Key`, or the password of HTTP Basic (the web service user's name is not looked at)."""
    key = request.headers.get("x-api-key")
    if key:
        return key
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[2] or None
    except ValueError:
        return None


def parse(request: Request) -> dict[str, Any]:
    """The JSON object of the body; no body is an empty object. Raises Refusal (400, 702) for anything else.

    The shopper's pages read their forms themselves.
    """
    if not request.body or request.path.startswith(PAGES_BELOW):
        return {}
    try:
        value = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        raise Refusal(errors.problem("malformed_request", {}, request))
    return value


def idempotency_key(request: Request) -> str | None:
    """The key, up to 64 characters. Raises Refusal for a longer one."""
    key = request.headers.get("idempotency-key")
    if key is not None and len(key) > MAX_KEY:
        errors.refuse(400, "702", f"The Idempotency-Key is longer than {MAX_KEY} characters")
    return key or None


def hmac_signature(item: Mapping[str, Any], secret: str) -> str:
    """Base64 HMAC-SHA256 over eight fields of a notification item joined by colons; the key is hexadecimal."""
    try:
        key = binascii.unhexlify(secret)
    except ValueError:  # a secret that never was, of a `webhook_old_secret` fault
        key = hashlib.sha256(secret.encode()).digest()
    parts = [str(item.get(name, "")) for name in SIGNED_FIELDS]
    parts += [str(item["amount"]["value"]), item["amount"]["currency"], item["eventCode"], item["success"]]
    return base64.b64encode(hmac.new(key, ":".join(parts).encode(), hashlib.sha256).digest()).decode()


def sign(secret: str, body: bytes, _timestamp: int) -> Signed:
    """Put `additionalData.hmacSignature` into every item. No time is signed: an old notification looks new."""
    notification = orjson.loads(body)
    for wrapped in notification["notificationItems"]:
        item = wrapped["NotificationRequestItem"]
        item["additionalData"] = {**item.get("additionalData", {}), "hmacSignature": hmac_signature(item, secret)}
    return {}, orjson.dumps(notification)


def new_credentials(source: random.Random) -> dict[str, Any]:
    """An API key and an HMAC key in Adyen's shapes, and a merchant account."""
    letters = "".join(source.choices(ALPHANUMERIC, k=72))
    return {
        "api_key": f"AQE{letters}",
        "webhook_secret": "".join(source.choices("0123456789ABCDEF", k=64)),
        "settings": {"merchant_account": f"Payera{''.join(source.choices(ALPHANUMERIC, k=8))}ECOM"},
    }


DIALECT = Dialect(
    credential=credential,
    parse=parse,
    problem=errors.problem,
    idempotency_key=idempotency_key,
    # The first answer comes again, whatever the body says; an error of Adyen's own is transient and is processed again.
    idempotency=IdempotencyPolicy(keeps="executed", repeat="bytes", same_request=False, retention_s=KEY_RETENTION_S),
    actions=movements.ACTIONS,
    indexes={
        "payments": ("reference", "continuation"),
        "modifications": ("payment",),
        "tokens": ("shopper",),
    },
    sign=sign,
    webhook_schedule=WEBHOOK_SCHEDULE_S,
    webhook_headers={"user-agent": "Adyen HttpClient 1.0"},
)
