"""An example of a merchant's webhook endpoint: checks the signature, then moves the order that the payment was for."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

ORDER_STATUS = {
    "captured": "paid",
    "partially_captured": "paid",
    "authorized": "reserved",
    "declined": "unpaid",
    "failed": "unpaid",
    "canceled": "canceled",
    "requires_action": "waiting",
    "processing": "waiting",
    "needs_review": "waiting",
}


@dataclass(frozen=True, slots=True)
class Notice:
    """What the shop writes into its order."""

    event_id: str
    order: str | None
    status: str
    told: str | None
    refund: str | None
    dispute: str | None = None


class Refused(Exception):
    """The endpoint answers 400: not signed by us, or not an event."""


def receive(secret: str, headers: Mapping[str, str], body: bytes) -> Notice:
    """Raises Refused for a wrong signature, KeyError for a field that the shop needs and did not get."""
    try:
        Webhook(secret).verify(body, dict(headers))
    except WebhookVerificationError as error:
        raise Refused(str(error)) from error
    event: dict[str, Any] = json.loads(body)
    if event["id"] != headers["webhook-id"]:
        raise Refused("the header names another event")
    payment = event["data"]["payment"]
    decline = payment["decline"]
    refund, dispute = event["data"].get("refund"), event["data"].get("dispute")
    return Notice(
        event_id=event["id"],
        order=payment["reference"],
        status=ORDER_STATUS[payment["status"]],
        told=None if decline is None else f"{decline['reason']}: {decline['advice']}",
        refund=None if refund is None else refund["status"],
        dispute=None if dispute is None else f"{dispute['status']} until {dispute['evidence_due_at']}",
    )
