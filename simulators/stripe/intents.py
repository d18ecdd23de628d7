"""Payment intents: create, read, update, list, cancel. Confirming is in `confirm`, capturing in `captures`."""

from typing import Any

from simulators.stripe import lists
from simulators.stripe.call import Call
from simulators.stripe.confirm import confirm
from simulators.stripe.errors import invalid
from simulators.stripe.intent_state import unexpected_state
from simulators.stripe.money import check_amount, check_currency
from simulators.stripe.objects import Json, address
from simulators.stripe.objects_money import DEFAULT_OPTIONS, card_options, payment_intent
from simulators.stripe.params import merge_metadata
from simulators.stripe.payment_methods import chosen_method

CANCELABLE = ("requires_payment_method", "requires_capture", "requires_confirmation", "requires_action", "processing")
UPDATABLE = ("requires_payment_method", "requires_confirmation", "requires_action")
_ECHOED = (
    "description", "receipt_email", "setup_future_usage", "statement_descriptor", "statement_descriptor_suffix",
    "transfer_group",
)  # fmt: skip
_METADATA_ONLY = frozenset(["metadata", "description", "receipt_email", "expand"])


def create(call: Call) -> Json:
    """`POST /v1/payment_intents`, with `confirm=true` confirmed in the same request."""
    params = call.params
    currency = check_currency(params["currency"])
    amount = call.amount(params["amount"])
    check_amount(params["amount"], currency)
    if not params.get("confirm"):
        _only_with_confirm(params)
    elif params.get("off_session") not in (None, "false") and params.get("setup_future_usage") == "off_session":
        raise invalid("You cannot set setup_future_usage=off_session with off_session=true.", param="off_session")
    identifier = call.new_id("pi_3", 23)
    secret = f"{identifier}_secret_{call.new_id('', 25)}"
    intent = payment_intent(
        identifier,
        call.created,
        secret,
        amount,
        currency,
        params.get("capture_method", "automatic_async"),
        _options(params, DEFAULT_OPTIONS),
    )
    if "payment_method_types" in params:
        _only_cards(params["payment_method_types"])
    else:
        intent["automatic_payment_methods"] = {
            "allow_redirects": "always",
            "enabled": True,
            **params.get("automatic_payment_methods", {}),
        }
    intent["confirmation_method"] = params.get("confirmation_method", "automatic")
    intent["metadata"] = merge_metadata({}, params.get("metadata", {}))
    _apply(call, intent)
    confirming = bool(params.get("confirm"))
    if not confirming:
        _take_method(call, intent)
    call.emit("payment_intent.created", intent)
    call.put("payment_intent", intent)
    return confirm(call, intent) if confirming else intent


def _only_with_confirm(params: Json) -> None:
    for name in ("off_session", "return_url", "error_on_requires_action", "mandate", "mandate_data"):
        if name in params:
            raise invalid(f"You can only provide `{name}` when also setting `confirm` to `true`.", param=name)


def _only_cards(kinds: list[str]) -> None:
    others = [kind for kind in kinds if kind != "card"]
    if others:
        raise invalid(
            f"The payment method type provided: {others[0]} is invalid. Accounts here have only card enabled.",
            code="payment_intent_invalid_parameter",
            param="payment_method_types",
        )


def _options(params: Json, current: Json) -> Json:
    given = (params.get("payment_method_options") or {}).get("card")
    if not given:
        return current
    # Of this confirmation only, and the cryptogram of an authentication is not kept.
    shown = {name: value for name, value in given.items() if name not in ("mit_exemption", "three_d_secure")}
    return card_options({**current["card"], **shown})


def _apply(call: Call, intent: Json) -> None:
    """Copy the parameters that the intent simply shows."""
    params = call.params
    for name in _ECHOED:
        if name in params:
            intent[name] = params[name]
    if params.get("customer") is not None:
        intent["customer"] = call.need("customer", params["customer"], "customer", status=400)["id"]
    if "shipping" in params:
        given = params["shipping"]
        intent["shipping"] = given and {
            "address": address(given["address"]), "carrier": given.get("carrier"), "name": given["name"],
            "phone": given.get("phone"), "tracking_number": given.get("tracking_number"),
        }  # fmt: skip


def _take_method(call: Call, intent: Json) -> None:
    """Put the method that the request names on an intent that is not confirmed yet."""
    params = call.params
    if not (params.get("payment_method") or params.get("payment_method_data")):
        return
    method = chosen_method(call, intent)
    if method is not None:
        intent["payment_method"] = method["id"]
        intent["status"] = "requires_confirmation"
        intent["last_payment_error"] = None
        intent["next_action"] = None


def retrieve(call: Call) -> Json:
    """`GET /v1/payment_intents/{id}`."""
    return call.need("payment_intent", call.path[0], "intent")


def update(call: Call) -> Json:
    """`POST /v1/payment_intents/{id}`. Metadata and description change in any state, the rest before money moved."""
    before = retrieve(call)
    params = call.params
    if before["status"] not in UPDATABLE and not _METADATA_ONLY.issuperset(params):
        raise unexpected_state(before, "update", UPDATABLE)
    intent = dict(before)
    if "currency" in params:
        intent["currency"] = check_currency(params["currency"])
    if "amount" in params:
        intent["amount"] = params["amount"]
    if "amount" in params or "currency" in params:
        check_amount(intent["amount"], intent["currency"])
    if "capture_method" in params:
        intent["capture_method"] = params["capture_method"]
    if "payment_method_types" in params:
        _only_cards(params["payment_method_types"])
    intent["payment_method_options"] = _options(params, before["payment_method_options"])
    if "metadata" in params:
        intent["metadata"] = merge_metadata(before["metadata"], params["metadata"])
    _apply(call, intent)
    _take_method(call, intent)
    return call.put("payment_intent", intent)


def confirm_existing(call: Call) -> Json:
    """`POST /v1/payment_intents/{id}/confirm`."""
    before = retrieve(call)
    params = call.params
    intent = dict(before)
    if "capture_method" in params:
        intent["capture_method"] = params["capture_method"]
    intent["payment_method_options"] = _options(params, before["payment_method_options"])
    intent["amount"] = call.amount(intent["amount"])
    _apply(call, intent)
    return confirm(call, intent)


def list_all(call: Call) -> Json:
    """`GET /v1/payment_intents`."""
    customer: Any = call.params.get("customer")
    items = list(reversed(call.find("payment_intent", "customer", customer))) if customer else None
    return lists.page(call, "payment_intent", "/v1/payment_intents", items)


def cancel(call: Call) -> Json:
    """`POST /v1/payment_intents/{id}/cancel`: releases what is held and not captured."""
    intent = retrieve(call)
    if intent["status"] not in CANCELABLE:
        raise unexpected_state(intent, "cancel", CANCELABLE)
    return end(call, intent, call.params.get("cancellation_reason"))


def end(call: Call, intent: Json, reason: str | None, *, expired: bool = False) -> Json:
    """Cancel an intent. A charge that holds money lets it go; what was captured before stays captured."""
    released = intent["amount_capturable"]
    if released:
        charge = call.need("charge", intent["latest_charge"], "charge")
        # Since version 2025-03-31 letting go of held money is no refund: `refunded`, `amount_refunded` stay the same.
        call.move("void", released, charge, of=intent, code="expired" if expired else None)
        call.settled(intent["id"])
        if expired:
            call.emit("charge.expired", charge)
    if intent["status"] == "processing":
        call.settled(intent["id"])
        charge = call.need("charge", intent["latest_charge"], "charge")
        call.emit("charge.failed", call.put("charge", {**charge, "status": "failed"}))
    intent = {
        **intent,
        "status": "canceled",
        "amount_capturable": 0,
        "canceled_at": call.created,
        "cancellation_reason": reason,
        "next_action": None,
        "processing": None,
    }
    call.emit("payment_intent.canceled", intent)
    return call.put("payment_intent", intent)
