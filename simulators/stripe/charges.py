"""Charges: read, list, update, and the older way to capture one."""

from typing import Any

from simulators.stripe import lists
from simulators.stripe.call import Call
from simulators.stripe.captures import take
from simulators.stripe.errors import invalid
from simulators.stripe.objects import Json
from simulators.stripe.params import merge_metadata


def retrieve(call: Call) -> Json:
    """`GET /v1/charges/{id}`."""
    return call.need("charge", call.path[0], "id")


def update(call: Call) -> Json:
    """`POST /v1/charges/{id}`: description, receipt address and metadata."""
    before = retrieve(call)
    after = dict(before)
    for name in ("description", "receipt_email", "transfer_group"):
        if name in call.params:
            after[name] = call.params[name]
    if "metadata" in call.params:
        after["metadata"] = merge_metadata(before["metadata"], call.params["metadata"])
    call.emit("charge.updated", after, before)
    return call.put("charge", after)


def list_all(call: Call) -> Json:
    """`GET /v1/charges`."""
    items = None
    for field in ("payment_intent", "customer"):
        if items is None and call.params.get(field):
            items = list(reversed(call.find("charge", field, call.params[field])))
    return lists.page(call, "charge", "/v1/charges", items, customer=call.params.get("customer"))


def capture(call: Call) -> Json:
    """`POST /v1/charges/{id}/capture`: always the final capture; the charge answers."""
    charge = retrieve(call)
    if charge["captured"]:
        message = f"Charge {charge['id']} has already been captured."
        raise invalid(message, code="charge_already_captured").after_execution()
    intent = call.need("payment_intent", charge["payment_intent"], "payment_intent")
    if intent["status"] != "requires_capture":
        raise invalid(
            f"Charge {charge['id']} could not be captured because its PaymentIntent is {intent['status']}.",
            code="charge_expired_for_capture" if intent["status"] == "canceled" else None,
        ).after_execution()
    amount: Any = call.params.get("amount", intent["amount_capturable"])
    take(call, intent, charge, amount, final=True, param="amount")
    return call.need("charge", charge["id"], "id")
