"""Payments and actions as Checkout.com shows them. Fields without a value are left out, as the PSP does."""

from collections.abc import Mapping
from typing import Any

from simulators.checkout import cards
from simulators.kit.accounts import Account

Json = dict[str, Any]


def shown(fields: Mapping[str, Any]) -> Json:
    """Without what has no value."""
    return {key: value for key, value in fields.items() if value is not None}


def waiting(account: Account, payment: Mapping[str, Any], kind: str) -> int:
    """Minor units that accepted and not yet processed actions of a kind hold."""
    actions = account.store.find("actions", "payment", payment["id"])
    return sum(action["amount"] for action in actions if action["type"] == kind and action["processed_on"] is None)


def balances(payment: Mapping[str, Any]) -> Json:
    """What was moved, and what still may be, in minor units."""
    authorized, voided = payment["authorized"], payment["voided"]
    captured, refunded = payment["captured"], payment["refunded"]
    open_amount = 0 if payment["closed"] else authorized - voided - captured
    return {
        "total_authorized": authorized,
        "total_voided": voided,
        "available_to_void": 0 if captured else open_amount,
        "total_captured": captured,
        "available_to_capture": open_amount,
        "total_refunded": refunded,
        "available_to_refund": captured - refunded,
    }


def links(base: str, payment: Mapping[str, Any]) -> Json:
    """Where to go from a payment: only to what its state allows."""
    here = f"{base}/payments/{payment['id']}"
    left = balances(payment)
    found = {"self": here, "actions": f"{here}/actions"}
    if left["available_to_capture"]:
        if payment["authorization_type"] == "Estimated":
            found["authorize"] = f"{here}/authorizations"
        found["capture"] = f"{here}/captures"
    if left["available_to_void"]:
        found["void"] = f"{here}/voids"
    if left["available_to_refund"]:
        found["refund"] = f"{here}/refunds"
    return {name: {"href": href} for name, href in found.items()}


def source(payment: Mapping[str, Any]) -> Json:
    """The card that pays."""
    kept = payment["source"]
    return shown(
        {
            "id": kept["id"],
            "type": "card",
            "billing_address": kept["billing_address"],
            "phone": kept["phone"],
            **cards.details(kept["card"]),
            "avs_check": kept["avs_check"],
            "cvv_check": kept["cvv_check"],
        }
    )


def customer(account: Account, payment: Mapping[str, Any]) -> Json | None:
    """The customer of a payment; one that was deleted is still named."""
    if payment["customer"] is None:
        return None
    found = account.store.get("customers", payment["customer"])
    if found is None:
        return {"id": payment["customer"]}
    return shown({"id": found["id"], "email": found["email"], "name": found["name"]})


def enrollment(payment: Mapping[str, Any]) -> Json | None:
    """The `3ds` of an answer to a request: the short form."""
    result = payment["3ds"]
    return None if result is None else {key: result[key] for key in ("downgraded", "enrolled") if key in result}


def response(account: Account, base: str, payment: Mapping[str, Any], action: Mapping[str, Any]) -> Json:
    """The 201 of a payment request."""
    approved = action["approved"]
    return shown(
        {
            "id": payment["id"],
            "action_id": action["id"],
            "amount": payment["amount"],
            "currency": payment["currency"],
            "approved": approved,
            "status": payment["status"],
            "auth_code": action["auth_code"],
            "response_code": action["response_code"],
            "response_summary": action["response_summary"],
            "expires_on": payment["expires_on"],
            "3ds": enrollment(payment),
            "risk": {"flagged": payment["flagged"]},
            "source": source(payment),
            "customer": customer(account, payment),
            "balances": balances(payment) if approved and payment["amount"] else None,
            "processed_on": action["processed_on"],
            "reference": payment["reference"],
            "processing": action["processing"],
            "eci": payment["eci"],
            "scheme_id": payment["scheme_id"],
            "_links": links(base, payment),
        }
    )


def accepted(account: Account, base: str, payment: Mapping[str, Any]) -> Json:
    """The 202 of a payment request that is not decided yet; with a redirect if the shopper has to act."""
    here = f"{base}/payments/{payment['id']}"
    found = {"self": {"href": here}}
    if payment["challenge"] is not None:
        found["redirect"] = {"href": f"{base}/3ds/{payment['session']}"}
    return shown(
        {
            "id": payment["id"],
            "status": "Pending",
            "reference": payment["reference"],
            "customer": customer(account, payment),
            "3ds": enrollment(payment),
            "_links": found,
        }
    )


def details(account: Account, base: str, payment: Mapping[str, Any]) -> Json:
    """A payment as GET shows it."""
    actions = processed(account, payment)
    return shown(
        {
            "id": payment["id"],
            "requested_on": payment["requested_on"],
            "source": source(payment),
            "amount": payment["amount"],
            "currency": payment["currency"],
            "payment_type": payment["payment_type"],
            "reference": payment["reference"],
            "description": payment["description"],
            "approved": payment["approved"],
            "expires_on": payment["expires_on"],
            "status": payment["status"],
            "balances": balances(payment) if payment["authorized"] else None,
            "3ds": payment["3ds"],
            "risk": {"flagged": payment["flagged"]},
            "customer": customer(account, payment),
            "billing_descriptor": payment["billing_descriptor"],
            "shipping": payment["shipping"],
            "payment_ip": payment["payment_ip"],
            "metadata": payment["metadata"],
            "eci": payment["eci"],
            "scheme_id": payment["scheme_id"],
            "actions": [
                {key: action[key] for key in ("id", "type", "response_code", "response_summary")} for action in actions
            ],
            "_links": links(base, payment),
        }
    )


def processed(account: Account, payment: Mapping[str, Any]) -> list[Json]:
    """The processed actions of a payment, the latest first; one that is only accepted is not shown."""
    actions = [a for a in account.store.find("actions", "payment", payment["id"]) if a["processed_on"] is not None]
    return sorted(actions, key=lambda action: -int(action["order"]))


def action_view(action: Mapping[str, Any]) -> Json:
    """An action as `GET /payments/{id}/actions` shows it."""
    keys = (
        "id", "type", "processed_on", "amount", "approved", "auth_code", "response_code", "response_summary",
        "authorization_type", "reference", "processing", "metadata",
    )  # fmt: skip
    view = shown({key: action[key] for key in keys})
    view["processing"] = {key: value for key, value in action["processing"].items() if key != "recommendation_code"}
    return view
