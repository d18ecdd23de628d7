"""Customers: create, read, update, delete, list, and their payment methods."""

from simulators.stripe import lists, objects, payment_methods
from simulators.stripe.call import Call
from simulators.stripe.errors import invalid
from simulators.stripe.objects import Json
from simulators.stripe.params import merge_metadata

_SHOWN = (
    "balance", "description", "email", "invoice_prefix", "name", "next_invoice_sequence", "phone", "preferred_locales",
)  # fmt: skip
_PREFIX_LETTERS = "0123456789ABCDEFGHJKMNPQRSTUVWXYZ"


def create(call: Call) -> Json:
    """`POST /v1/customers`; `payment_method` is attached at once."""
    identifier = call.new_id("cus_", 14)
    prefix = call.account.new_id("", 8, _PREFIX_LETTERS)
    customer = objects.customer(identifier, call.created, prefix)
    call.put("customer", customer)
    given = call.params.get("payment_method")
    if given is not None:
        payment_methods.attach_to(call, payment_methods.resolve(call, given), identifier)
    customer = _apply(call, customer)
    call.emit("customer.created", customer)
    return call.put("customer", customer)


def _apply(call: Call, before: Json) -> Json:
    params = call.params
    customer = dict(before)
    for name in _SHOWN:
        if name in params:
            customer[name] = params[name]
    if "tax_exempt" in params:
        customer["tax_exempt"] = params["tax_exempt"] or "none"
    if "address" in params:
        customer["address"] = params["address"] and objects.address(params["address"])
    if "shipping" in params:
        given = params["shipping"]
        customer["shipping"] = given and {
            "address": objects.address(given["address"]), "name": given["name"], "phone": given.get("phone"),
        }  # fmt: skip
    if "metadata" in params:
        customer["metadata"] = merge_metadata(before["metadata"], params["metadata"])
    if "invoice_settings" in params:
        customer["invoice_settings"] = _invoice_settings(call, before)
    return customer


def _invoice_settings(call: Call, before: Json) -> Json:
    given = call.params["invoice_settings"]
    default = given.get("default_payment_method")
    if default is not None:
        method = call.need(
            "payment_method", default, "invoice_settings[default_payment_method]", status=400, kind="PaymentMethod"
        )
        if method["customer"] != before["id"]:
            raise invalid(
                f"The customer does not have a payment method with the ID {default}. The payment method must be "
                "attached to the customer.",
                code="resource_missing",
                param="invoice_settings[default_payment_method]",
            )
    shown = {name: given[name] for name in ("default_payment_method", "footer") if name in given}
    return {**before["invoice_settings"], **shown}


def retrieve(call: Call) -> Json:
    """`GET /v1/customers/{id}`; a deleted one answers with `deleted: true`."""
    identifier = call.path[0]
    if call.get("deleted_customer", identifier) is not None:
        return objects.deleted(identifier, "customer")
    return call.need("customer", identifier, "id")


def update(call: Call) -> Json:
    """`POST /v1/customers/{id}`."""
    before = call.need("customer", call.path[0], "id")
    customer = _apply(call, before)
    call.emit("customer.updated", customer, before)
    return call.put("customer", customer)


def delete(call: Call) -> Json:
    """`DELETE /v1/customers/{id}`: for good; its payment methods are detached."""
    customer = call.need("customer", call.path[0], "id")
    for method in call.find("payment_method", "customer", customer["id"]):
        call.put("payment_method", {**method, "customer": None})
        call.put("card", {**call.need("card", method["id"], "payment_method"), "used": True})
    call.delete("customer", customer["id"])
    gone = objects.deleted(customer["id"], "customer")
    call.put("deleted_customer", gone)
    call.emit("customer.deleted", customer)
    return gone


def list_all(call: Call) -> Json:
    """`GET /v1/customers`."""
    return lists.page(call, "customer", "/v1/customers", email=call.params.get("email"))


def methods(call: Call) -> Json:
    """`GET /v1/customers/{id}/payment_methods`."""
    customer = call.need("customer", call.path[0], "customer")
    return payment_methods.of_customer(call, customer["id"], f"/v1/customers/{customer['id']}/payment_methods")


def method(call: Call) -> Json:
    """`GET /v1/customers/{id}/payment_methods/{payment_method}`."""
    call.need("customer", call.path[0], "customer")
    found = call.need("payment_method", call.path[1], "payment_method", kind="PaymentMethod")
    if found["customer"] != call.path[0]:
        raise invalid(
            f"The customer does not have a payment method with the ID {call.path[1]}. The payment method must be "
            "attached to the customer.",
            code="resource_missing",
        )
    return found
