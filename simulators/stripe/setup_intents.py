"""Setup intents: a card is checked and saved for later without a charge."""

from simulators.stripe import lists, mandates, objects
from simulators.stripe.call import Call
from simulators.stripe.cards import behaviour
from simulators.stripe.declines import Decline, decline_for
from simulators.stripe.errors import CardDeclined, invalid
from simulators.stripe.intent_state import unexpected_state
from simulators.stripe.objects import Json
from simulators.stripe.objects_money import error_of
from simulators.stripe.params import merge_metadata
from simulators.stripe.payment_methods import chosen_method

OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")


def create(call: Call) -> Json:
    """`POST /v1/setup_intents`, with `confirm=true` confirmed in the same request."""
    params = call.params
    identifier = call.new_id("seti_1", 23)
    intent = objects.setup_intent(identifier, call.created, f"{identifier}_secret_{call.new_id('', 26)}")
    if "payment_method_types" not in params:
        given = params.get("automatic_payment_methods", {})
        intent["automatic_payment_methods"] = {"allow_redirects": "always", "enabled": True, **given}
    elif params["payment_method_types"] != ["card"]:
        raise invalid("Only payment methods of type card are simulated.", param="payment_method_types")
    intent["usage"] = params.get("usage", "off_session")
    intent["metadata"] = merge_metadata({}, params.get("metadata", {}))
    _apply(call, intent)
    confirming = bool(params.get("confirm"))
    if not confirming and "return_url" in params:
        raise invalid("You can only provide `return_url` when also setting `confirm` to `true`.", param="return_url")
    _take_method(call, intent)
    call.put("setup_intent", intent)
    call.emit("setup_intent.created", intent)
    return _confirm(call, intent) if confirming else intent


def _apply(call: Call, intent: Json) -> None:
    params = call.params
    if "description" in params:
        intent["description"] = params["description"]
    if params.get("customer") is not None:
        intent["customer"] = call.need("customer", params["customer"], "customer", status=400)["id"]
    options = (params.get("payment_method_options") or {}).get("card")
    if options:
        shown = {key: options[key] for key in ("network", "request_three_d_secure") if key in options}
        intent["payment_method_options"] = {"card": {**intent["payment_method_options"]["card"], **shown}}


def _take_method(call: Call, intent: Json) -> None:
    if call.params.get("payment_method") or call.params.get("payment_method_data"):
        method = chosen_method(call, intent)
        if method is not None:
            intent["payment_method"], intent["status"] = method["id"], "requires_confirmation"


def retrieve(call: Call) -> Json:
    """`GET /v1/setup_intents/{id}`."""
    return call.need("setup_intent", call.path[0], "intent")


def update(call: Call) -> Json:
    """`POST /v1/setup_intents/{id}`."""
    before = retrieve(call)
    intent = dict(before)
    if "metadata" in call.params:
        intent["metadata"] = merge_metadata(before["metadata"], call.params["metadata"])
    if before["status"] not in OPEN and not {"metadata", "description", "expand"}.issuperset(call.params):
        raise unexpected_state(before, "update", OPEN)
    _apply(call, intent)
    _take_method(call, intent)
    return call.put("setup_intent", intent)


def confirm_existing(call: Call) -> Json:
    """`POST /v1/setup_intents/{id}/confirm`."""
    before = retrieve(call)
    if before["status"] not in OPEN:
        raise unexpected_state(before, "confirm", OPEN)
    intent = dict(before)
    _apply(call, intent)
    _take_method(call, intent)
    return _confirm(call, intent)


def _confirm(call: Call, intent: Json) -> Json:
    """Check the card: decline, challenge, or save it to the customer."""
    if intent["payment_method"] is None:
        raise invalid(
            "You cannot confirm this SetupIntent because it's missing a payment method.",
            code="setup_intent_unexpected_state",
            setup_intent=intent,
        ).after_execution()
    method = call.need("payment_method", intent["payment_method"], "payment_method", status=400)
    acts = behaviour(call.need("card", method["id"], "payment_method")["magic"])
    mandate = mandates.accept(call, method["id"], multi_use=intent["usage"] == "off_session")
    if mandate is not None:
        intent = {**intent, "mandate": mandate}
    fault = call.decision.get("decline")
    if fault is not None:
        _declined(call, intent, method, decline_for(fault["code"], fault["advice"]))
    if acts.decline is not None and acts.attach != "ok":
        _declined(call, intent, method, decline_for(acts.decline))
    if acts.three_ds in ("required", "unless_set_up"):
        return _challenge(call, intent)
    return succeed(call, intent)


def _challenge(call: Call, intent: Json) -> Json:
    page = f"{call.base_url}/simulator/authenticate/{intent['id']}"
    return_url = call.params.get("return_url")
    if return_url is not None and not call.params.get("use_stripe_sdk"):
        action: Json = {"redirect_to_url": {"return_url": return_url, "url": page}, "type": "redirect_to_url"}
    else:
        sdk = {"type": "three_d_secure_redirect", "stripe_js": page, "source": intent["id"]}
        action = {"type": "use_stripe_sdk", "use_stripe_sdk": sdk}
    intent = {**intent, "status": "requires_action", "next_action": action}
    call.emit("setup_intent.requires_action", intent)
    return call.put("setup_intent", intent)


def succeed(call: Call, intent: Json) -> Json:
    """The card is good: remember that it was set up, attach it to the customer if there is one."""
    method = call.need("payment_method", intent["payment_method"], "payment_method")
    if intent["customer"] is not None and method["customer"] is None:
        method = {**method, "customer": intent["customer"]}
        call.emit("payment_method.attached", call.put("payment_method", method))
    kept = call.need("card", method["id"], "payment_method")
    call.put("card", {**kept, "set_up": kept["set_up"] or intent["usage"] == "off_session"})
    intent = _attempt(call, {**intent, "status": "succeeded", "next_action": None, "last_setup_error": None}, None)
    call.emit("setup_intent.succeeded", intent)
    return call.put("setup_intent", intent)


def _attempt(call: Call, intent: Json, error: Json | None) -> Json:
    status = "failed" if error else "succeeded"
    attempt = objects.setup_attempt(call.new_id("setatt_1", 23), call.created, intent, status, error)
    call.put("setup_attempt", attempt)
    return {**intent, "latest_attempt": attempt["id"]}


def fail(call: Call, intent: Json, method: Json, decline: Decline) -> Json:
    """Back to `requires_payment_method` with `last_setup_error`."""
    error = error_of(decline, None, method)
    intent = _attempt(call, intent, error)
    intent = {
        **intent,
        "status": "requires_payment_method",
        "payment_method": None,
        "last_setup_error": error,
        "next_action": None,
    }
    call.emit("setup_intent.setup_failed", intent)
    return call.put("setup_intent", intent)


def _declined(call: Call, intent: Json, method: Json, decline: Decline) -> None:
    intent = fail(call, intent, method, decline)
    raise CardDeclined({**intent["last_setup_error"], "setup_intent": intent})


def cancel(call: Call) -> Json:
    """`POST /v1/setup_intents/{id}/cancel`."""
    before = retrieve(call)
    if before["status"] not in OPEN:
        raise unexpected_state(before, "cancel", OPEN)
    reason = call.params.get("cancellation_reason")
    intent = {**before, "status": "canceled", "cancellation_reason": reason, "next_action": None}
    call.emit("setup_intent.canceled", intent)
    return call.put("setup_intent", intent)


def list_all(call: Call) -> Json:
    """`GET /v1/setup_intents`."""
    params = call.params
    return lists.page(
        call,
        "setup_intent",
        "/v1/setup_intents",
        customer=params.get("customer"),
        payment_method=params.get("payment_method"),
    )
