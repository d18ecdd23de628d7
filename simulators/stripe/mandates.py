"""Mandates: the shopper's permission to charge a saved card later, as it was given with `mandate_data`."""

from simulators.stripe.call import Call
from simulators.stripe.errors import missing, not_found
from simulators.stripe.objects import Json


def accept(call: Call, method: str, *, multi_use: bool) -> str | None:
    """Stage a mandate for what the request's `mandate_data` says; returns its id, None where nothing was said."""
    given = call.params.get("mandate_data")
    if not given:
        return None
    acceptance = given["customer_acceptance"]
    kind = acceptance["type"]
    if kind == "online" and "online" not in acceptance:
        raise missing("mandate_data[customer_acceptance][online]")
    shown: Json = {"accepted_at": acceptance.get("accepted_at", call.created), "type": kind}
    if kind == "online":
        online = acceptance["online"]
        shown["online"] = {"ip_address": online.get("ip_address"), "user_agent": online.get("user_agent")}
    else:
        shown["offline"] = {}
    use = "multi_use" if multi_use else "single_use"
    mandate: Json = {
        "id": call.new_id("mandate_1", 23),
        "object": "mandate",
        "customer_acceptance": shown,
        "livemode": False,
        "payment_method": method,
        "payment_method_details": {"card": {}, "type": "card"},
        "status": "active",
        "type": use,
        use: {},
    }
    call.put("mandate", mandate)
    return str(mandate["id"])


def check(call: Call, method: str) -> None:
    """Refuse a `mandate` that does not exist or was given for another card."""
    given = call.params.get("mandate")
    if given is None:
        return
    found = call.get("mandate", given)
    if found is None or found["payment_method"] != method:
        raise not_found("mandate", given, "mandate", status=400)


def retrieve(call: Call) -> Json:
    """`GET /v1/mandates/{id}`."""
    return call.need("mandate", call.path[0], "mandate")
