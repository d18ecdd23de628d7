"""Standard notifications: one event, one item. All that is no amount is a string, `success` and `live` too."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from simulators.kit.accounts import Account
from simulators.kit.webhooks import EVENTS

Json = dict[str, Any]


def moment(seconds: float) -> str:
    """Seconds since the epoch as Adyen writes a moment: ISO 8601 to the second with an offset."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def amount_of(currency: str, value: int) -> Json:
    """`{currency, value}`, minor units."""
    return {"currency": currency, "value": value}


def send(
    account: Account,
    event: str,
    payment: Mapping[str, Any],
    *,
    psp_reference: str,
    value: int,
    success: bool = True,
    reason: str = "",
    reference: str | None = None,
    original: str | None = None,
    operations: list[str] | None = None,
    additional: Mapping[str, str] | None = None,
    more: Mapping[str, str] | None = None,
) -> None:
    """Queue one notification about a payment. `value` is in minor units of the payment's currency.

    `reference` is the merchant's reference of what happened (the payment's own if None), `original` the payment's
    pspReference where the event has one of its own. Absent fields are left out: a null would break the signature.
    """
    item: Json = {
        "additionalData": dict(additional or {}),
        "amount": amount_of(payment["currency"], value),
        "eventCode": event,
        "eventDate": moment(account.clock.now()),
        "merchantAccountCode": payment["merchant"],
        "merchantReference": payment["reference"] if reference is None else reference,
        "paymentMethod": payment["method"],
        "pspReference": psp_reference,
        "reason": reason,
        "success": "true" if success else "false",
        **(more or {}),
    }
    if original is not None:
        item["originalReference"] = original
    if operations is not None:
        item["operations"] = operations
    if not item["additionalData"]:
        del item["additionalData"]
    body = {"live": "false", "notificationItems": [{"NotificationRequestItem": item}]}
    account.notify(event, _event_id(account, f"{psp_reference}.{event}"), body)


def _event_id(account: Account, wanted: str) -> str:
    """A name for the control plane: Adyen's notifications have no id. The same event twice gets a number."""
    found, count = wanted, 1
    while (EVENTS, found) in account.store:
        count += 1
        found = f"{wanted}.{count}"
    return found
