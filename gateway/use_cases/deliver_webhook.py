"""Merchants' webhooks by the Standard Webhooks scheme: what is sent, what an answer means, when to try again."""

import base64
import binascii
import hashlib
import hmac
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from gateway.domain.errors import VaultFailed
from gateway.use_cases.manage_webhook_endpoints import WEBHOOK_SECRET
from gateway.use_cases.ports import Clock, Json, Vault
from gateway.use_cases.relay_outbox import Encode

TIMEOUT_S = 15.0
"""The longest that an endpoint may take for its answer."""

_GONE = 410
_PREFIX = "whsec_"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: a status, or the reason (fit for the merchant's eyes) why nothing did."""

    status: int | None = None
    failure: str | None = None


class WebhookSender(Protocol):
    """One POST to the outside. Never raises for what the wire or the egress policy does, follows no redirect."""

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer: ...


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a delivery is tried: seconds after the event, from the settings. `jitter` is a part of each wait, 0 to 1."""

    seconds: tuple[int, ...]
    jitter: float = 0.1

    def wait_s(self, tried: int) -> float | None:
        """Seconds from now to the next try after `tried` of them; None when that was the last one.

        Counted from the last try, not from the event: after an outage of ours the missed tries do not come in a burst.
        """
        if tried >= len(self.seconds):
            return None
        gap = self.seconds[tried] - self.seconds[tried - 1]
        return max(gap, 0) * (1 + self.jitter * random.random())  # noqa: S311 - spreads load, no secret


def signature(secret: str, event_id: str, timestamp: int, body: bytes) -> str:
    """`webhook-signature` of one try: `v1,` and base64 of HMAC-SHA256 over `id.timestamp.body`.

    Source: Standard Webhooks specification, symmetric signatures. Raises `VaultFailed` for a secret of another form.
    """
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        raise VaultFailed("a webhook secret is not whsec_ and base64") from None
    signed = f"{event_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def judge(row: Json, answer: Answer, schedule: Schedule, now: datetime) -> Json:
    """What `delivery_results_v1` is told about one try.

    2xx is success; 410 ends the delivery and disables the endpoint; everything else, redirects too, is tried again on
    the schedule, and dead after its last try.
    """
    result: Json = {"delivery_id": row["id"], "ok": False, "dead": False, "disable_endpoint": False}
    result["at"] = now.isoformat()
    if answer.status is not None:
        result["status_code"] = answer.status
        if 200 <= answer.status < 300:
            return result | {"ok": True}
        result["error"] = "redirects are not followed" if 300 <= answer.status < 400 else f"answered {answer.status}"
    else:
        result["error"] = answer.failure or "no answer"
    if answer.status == _GONE:
        return result | {"dead": True, "disable_endpoint": True}
    wait_s = schedule.wait_s(row["attempts"] + 1)
    if wait_s is None:
        return result | {"dead": True}
    return result | {"next_at": (now + timedelta(seconds=wait_s)).isoformat()}


async def deliver_webhook(
    vault: Vault, sender: WebhookSender, encode: Encode, clock: Clock, schedule: Schedule, row: Json
) -> Json:
    """Sign one claimed delivery, POST it, and say what `delivery_results_v1` shall record.

    The id is the event's and stays over retries; the timestamp is this try's (SEC-10). A secret that cannot be opened
    is our failure, not the endpoint's: the try counts, nothing is sent unsigned.
    """
    body = encode(row["payload"])
    try:
        secret = await vault.open_text(
            row["merchant"], row["endpoint_id"], WEBHOOK_SECRET, row["secret_ciphertext"], row["key_id"]
        )
        timestamp = int(clock.now().timestamp())
        headers = {
            "content-type": "application/json",
            "webhook-id": row["event_id"],
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(secret.reveal(), row["event_id"], timestamp, body),
        }
    except VaultFailed:
        return judge(row, Answer(failure="the signing secret cannot be opened"), schedule, clock.now())
    return judge(row, await sender.post(row["url"], headers, body), schedule, clock.now())
