"""Notifications: the body of a webhook, in the shape that the workflows of this PSP send."""

from collections.abc import Mapping
from typing import Any

from simulators.checkout import objects, wire
from simulators.kit.accounts import Account
from simulators.kit.webhooks import ENDPOINTS

Json = dict[str, Any]
VERSION = "1.0.0"


def send(account: Account, kind: str, payment: Mapping[str, Any], action: Mapping[str, Any]) -> None:
    """Notify of what an action did to a payment; nothing is built if nobody listens. Inside a transaction."""
    if account.store.count(ENDPOINTS):
        publish(account, kind, payment["id"], data(account, payment, action))


def publish(account: Account, kind: str, subject: str, body: Json) -> None:
    """Queue an event about a subject (a payment, a dispute)."""
    event_id = wire.new_id(account, "evt_")
    base = account.world.url
    event = {
        "id": event_id,
        "type": kind,
        "version": VERSION,
        "created_on": wire.now(account),
        "data": body,
        "_links": {
            "self": {"href": f"{base}/workflows/events/{event_id}"},
            "subject": {"href": f"{base}/workflows/events/subject/{subject}"},
            "payment": {"href": f"{base}/payments/{body.get('payment_id', subject)}"},
            "payment_actions": {"href": f"{base}/payments/{body.get('payment_id', subject)}/actions"},
        },
    }
    account.notify(kind, event_id, event)


def data(account: Account, payment: Mapping[str, Any], action: Mapping[str, Any]) -> Json:
    """`data` of a payment's event: the action's own amount, reference and metadata beside the payment's state.

    In its source the end of the card is `last_4`, unlike in the API's answers.
    """
    base = account.world.url
    here = f"{base}/payments/{payment['id']}"
    authorization = action["type"] in ("Authorization", "Card Verification")
    source = objects.source(payment)
    source["last_4"] = source.pop("last4")
    return objects.shown(
        {
            "id": payment["id"],
            "action_id": action["id"],
            "payment_type": payment["payment_type"] if authorization else None,
            "amount": action["amount"],
            "currency": payment["currency"],
            "approved": action["approved"],
            "status": payment["status"],
            "auth_code": action["auth_code"],
            "response_code": action["response_code"],
            "response_summary": action["response_summary"],
            "scheme_id": payment["scheme_id"] if authorization else None,
            "3ds": payment["3ds"] if authorization else None,
            "risk": {"flagged": payment["flagged"]} if authorization else None,
            "source": source if authorization else None,
            "customer": objects.customer(account, payment),
            "balances": objects.balances(payment) if payment["authorized"] else None,
            "processing": action["processing"],
            "processed_on": action["processed_on"] or wire.now(account),
            "reference": action["reference"],
            "metadata": action["metadata"],
            "event_links": {
                "payment": here,
                "payment_actions": f"{here}/actions",
                **{name: link["href"] for name, link in objects.links(base, payment).items() if name in _OPERATIONS},
            },
        }
    )


_OPERATIONS = ("authorize", "capture", "void", "refund")
