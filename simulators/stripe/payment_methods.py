"""Payment methods: made from a card, from a `pm_card_*` token, attached to customers and detached from them.

What the simulator knows of a card beyond the wire object (its magic behaviour, whether it is used up) is kept in the
collection `card` under the payment method's id.
"""

from typing import Any

from simulators.stripe import lists, objects
from simulators.stripe.call import Call
from simulators.stripe.cards import behaviour, card_from, card_from_token
from simulators.stripe.declines import decline_for
from simulators.stripe.errors import CardDeclined, invalid, missing, not_found
from simulators.stripe.objects import Json
from simulators.stripe.objects_money import error_of
from simulators.stripe.params import merge_metadata


def make(call: Call, data: Json, prefix: str, metadata: dict[str, str]) -> Json:
    """A new payment method from `{type, card, billing_details}`; `prefix` names the parameter in errors."""
    if data.get("type", "card") != "card":
        raise invalid(f"Payment methods of type {data['type']} are not simulated.", param=f"{prefix}type")
    if "card" not in data:
        raise missing(f"{prefix}card" if not prefix.endswith("[") else f"{prefix}card]")
    typed = data["card"]
    year, month = call.month()
    key = call.account.world.card_key
    if "token" in typed:
        card = card_from_token(typed["token"].replace("tok_", "pm_card_"), key, year, "card[token]")
    else:
        for name in ("number", "exp_month", "exp_year"):
            if name not in typed:
                raise missing(f"card[{name}]")
        card = card_from(typed, key, year, month, "card")
    return keep(call, card, data.get("billing_details"), metadata)


def keep(call: Call, card: Json, billing: Json | None, metadata: dict[str, str]) -> Json:
    """Stage the payment method and what is known of its card."""
    identifier = call.new_id("pm_1", 23)
    call.put("card", {**card, "id": identifier, "used": False, "set_up": False})
    method = objects.payment_method(identifier, call.created, card, objects.billing_details(billing), metadata)
    return call.put("payment_method", method)


def resolve(call: Call, given: str, param: str = "payment_method") -> Json:
    """The payment method called `given`; a `pm_card_*` token makes a new one, as in Stripe's test mode."""
    if given.startswith("pm_card_"):
        card = card_from_token(given, call.account.world.card_key, call.month()[0], param)
        return keep(call, card, None, {})
    found = call.get("payment_method", given)
    if found is None:
        raise not_found("PaymentMethod", given, param, status=400)
    return found


def chosen_method(call: Call, intent: Json) -> Json | None:
    """The method that the request names or describes, else the intent's own; None if there is none.

    Raises for another customer's method.
    """
    given: Any = call.params.get("payment_method")
    data: Any = call.params.get("payment_method_data")
    if given and data:
        raise invalid("You may only specify one of these parameters: payment_method, payment_method_data.")
    if data:
        method = make(call, data, "payment_method_data[", {})
    elif given:
        method = resolve(call, given)
    elif intent["payment_method"] is not None:
        method = call.need("payment_method", intent["payment_method"], "payment_method", status=400)
    else:
        return None
    if method["customer"] is not None and method["customer"] != intent["customer"]:
        raise invalid(
            f"The payment method you provided has been attached to a customer ({method['customer']}), so it must be "
            "used with that `customer`.",
            code="payment_method_unexpected_state",
            param="payment_method",
        )
    return method


def create(call: Call) -> Json:
    """`POST /v1/payment_methods`."""
    if call.params.get("payment_method") is not None:
        raise invalid("Sharing payment methods between accounts is not simulated.", param="payment_method")
    if "type" not in call.params:
        raise missing("type")
    return make(call, call.params, "", merge_metadata({}, call.params.get("metadata", {})))


def retrieve(call: Call) -> Json:
    """`GET /v1/payment_methods/{id}`."""
    return call.need("payment_method", call.path[0], "payment_method", kind="PaymentMethod")


def update(call: Call) -> Json:
    """`POST /v1/payment_methods/{id}`: expiry, billing details, metadata; only for attached methods."""
    before = retrieve(call)
    if before["customer"] is None:
        raise invalid(
            "You must save this PaymentMethod to a customer before you can update it.", param="payment_method"
        )
    after = dict(before)
    params = call.params
    if "metadata" in params:
        after["metadata"] = merge_metadata(before["metadata"], params["metadata"])
    if "billing_details" in params:
        after["billing_details"] = objects.billing_details({**before["billing_details"], **params["billing_details"]})
    if "card" in params:
        after["card"] = {**before["card"], **params["card"]}
    if "allow_redisplay" in params:
        after["allow_redisplay"] = params["allow_redisplay"]
    call.emit("payment_method.updated", after, before)
    return call.put("payment_method", after)


def attach_to(call: Call, method: Json, customer: str) -> Json:
    """Attach `method` to `customer`. Raises `CardDeclined` for cards whose issuer refuses to be saved."""
    if method["customer"] == customer:
        return method
    if method["customer"] is not None:
        raise invalid(
            "The payment method you provided has already been attached to a customer.",
            code="payment_method_unexpected_state",
        ).after_execution()
    kept = call.need("card", method["id"], "payment_method")
    if kept["used"]:
        raise invalid(
            "This PaymentMethod was previously used without being attached to a Customer or was detached from a "
            "Customer, and may not be used again.",
            code="payment_method_unexpected_state",
        ).after_execution()
    acts = behaviour(kept["magic"])
    if acts.decline is not None and acts.attach != "ok":
        raise CardDeclined(error_of(decline_for(acts.decline), None, method), commits=False)
    checks = {**method["card"]["checks"], "cvc_check": kept["cvc_check"]}
    method = {**method, "customer": customer, "card": {**method["card"], "checks": checks}}
    call.emit("payment_method.attached", method)
    return call.put("payment_method", method)


def attach(call: Call) -> Json:
    """`POST /v1/payment_methods/{id}/attach`."""
    customer = call.need("customer", call.params["customer"], "customer", status=400)
    method = resolve(call, call.path[0]) if call.path[0].startswith("pm_card_") else retrieve(call)
    return attach_to(call, method, customer["id"])


def detach(call: Call) -> Json:
    """`POST /v1/payment_methods/{id}/detach`: the method can't be used or attached again."""
    method = retrieve(call)
    if method["customer"] is None:
        raise invalid(
            "The payment method you provided is not attached to a customer so detachment is impossible."
        ).after_execution()
    before = method
    method = {**method, "customer": None}
    call.put("card", {**call.need("card", method["id"], "payment_method"), "used": True})
    call.emit("payment_method.detached", method, before)
    return call.put("payment_method", method)


def list_all(call: Call) -> Json:
    """`GET /v1/payment_methods`: those of a customer; without one, none (Stripe lists only attached methods)."""
    customer = call.params.get("customer")
    if customer is not None:
        call.need("customer", customer, "customer", status=400)
    return of_customer(call, customer, "/v1/payment_methods")


def of_customer(call: Call, customer: str | None, url: str) -> Json:
    """The list of a customer's methods, newest first."""
    wanted = call.params.get("type", "card")
    found = call.find("payment_method", "customer", customer) if customer is not None else []
    return lists.page(call, "payment_method", url, [item for item in reversed(found) if item["type"] == wanted])
