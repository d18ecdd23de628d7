"""Each PSP's way to sign a notification, written a second time and from its public description alone.

`SIGNERS[slug](event)` gives headers and body under `SECRET`; `signed_account()` is the account that trusts it.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

from gateway.domain.card import Secret
from gateway.use_cases.ports import ProviderAccount

SECRET = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056"
NOW_S = 1_700_000_000.0

Signed = tuple[dict[str, str], bytes]


def signed_account(secret: str = SECRET) -> ProviderAccount:
    return ProviderAccount("pa_1", "x", "https://psp.example", {"webhook_secret": Secret(secret)})


def adyen(notification: dict[str, Any]) -> Signed:
    """Base64 of the HMAC over eight fields, inside every item."""
    for entry in notification["notificationItems"]:
        item = entry["NotificationRequestItem"]
        amount = item["amount"]
        text = (
            f"{item['pspReference']}:{item.get('originalReference', '')}:{item['merchantAccountCode']}"
            f":{item['merchantReference']}:{amount['value']}:{amount['currency']}:{item['eventCode']}:{item['success']}"
        )
        digest = hmac.digest(base64.b16decode(SECRET), text.encode(), "sha256")
        item.setdefault("additionalData", {})["hmacSignature"] = base64.b64encode(digest).decode()
    return {}, json.dumps(notification).encode()


def checkout(event: dict[str, Any]) -> Signed:
    """Hexadecimal HMAC over the body's bytes, in a header."""
    body = json.dumps(event).encode()
    return {"Cko-Signature": hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()}, body


SIGNERS: dict[str, Callable[[dict[str, Any]], Signed]] = {"adyen": adyen, "checkout": checkout}
