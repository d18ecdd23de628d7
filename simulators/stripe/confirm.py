"""Confirming a payment intent: the method is chosen, the issuer is asked, the money is held or taken.

The order of the checks is Stripe's: state, method, authentication, issuer. A decline leaves a failed charge and returns
the intent to `requires_payment_method`; it is an answer that commits.
"""

from typing import Any

from simulators.kit import lifecycle
from simulators.stripe import balance, disputes, mandates, objects_money
from simulators.stripe.call import Call
from simulators.stripe.cards import Behaviour, behaviour
from simulators.stripe.declines import Decline, decline_for
from simulators.stripe.errors import CardDeclined, invalid
from simulators.stripe.intent_state import unexpected_state
from simulators.stripe.objects import Json
from simulators.stripe.payment_methods import chosen_method

CHALLENGED: Json = {
    "authentication_flow": "challenge",
    "electronic_commerce_indicator": "05",
    "exemption_indicator": None,
    "result": "authenticated",
    "result_reason": None,
    "transaction_id": None,
    "version": "2.2.0",
}
CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "requires_action")


def confirm(call: Call, intent: Json) -> Json:
    """Confirm `intent` with the request's parameters; returns the intent as it is then, staged.

    Raises `CardDeclined` after staging what a decline leaves, and `payment_intent_unexpected_state` for an intent that
    can't be confirmed.
    """
    if intent["status"] not in CONFIRMABLE:
        raise unexpected_state(intent, "confirm", CONFIRMABLE)
    method = chosen_method(call, intent)
    if method is None:
        raise invalid(
            "You cannot confirm this PaymentIntent because it's missing a payment method. Update the PaymentIntent "
            "with a payment method and then confirm it again.",
            code="payment_intent_unexpected_state",
            payment_intent=intent,
        ).after_execution()
    kept = call.need("card", method["id"], "payment_method", status=400)
    if kept["used"]:
        raise invalid(
            "This PaymentMethod was previously used without being attached to a Customer or was detached from a "
            "Customer, and may not be used again.",
            code="payment_method_unexpected_state",
            param="payment_method",
        ).after_execution()
    mandates.check(call, method["id"])
    exemption = _mit_exemption(call)
    intent = {**intent, "payment_method": method["id"], "last_payment_error": None, "next_action": None}
    acts = behaviour(kept["magic"])
    if kept.get("authenticated"):  # confirmation_method=manual: the shopper acted, the server confirms again
        return authorize(call, intent, method, kept, acts, three_ds=CHALLENGED)
    imported = _imported(call)
    if imported is not None:
        return authorize(call, intent, method, kept, acts, three_ds=imported)
    if needs_challenge(call, intent, kept, acts, exempt=exemption):
        return _challenge(call, intent, method)
    return authorize(call, intent, method, kept, acts, three_ds=None)


def _imported(call: Call) -> Json | None:
    """The result of an authentication made elsewhere (`three_d_secure` of the card's options): nobody is challenged."""
    proof = ((call.params.get("payment_method_options") or {}).get("card") or {}).get("three_d_secure")
    if not proof:
        return None
    eci = proof.get("electronic_commerce_indicator")
    attempted = eci in ("06", "01") or proof.get("ares_trans_status") == "A"
    return CHALLENGED | {
        "authentication_flow": None,
        "electronic_commerce_indicator": eci,
        "result": "attempt_acknowledged" if attempted else "authenticated",
        "transaction_id": proof["transaction_id"],
        "version": proof["version"],
    }


def is_off_session(call: Call) -> bool:
    """Whether the request says that the shopper is not there (`true`, or one of the older words for it)."""
    return call.params.get("off_session") not in (None, "false")


def _mit_exemption(call: Call) -> bool:
    """Whether the request continues an agreement made elsewhere: `mit_exemption` names the network's transaction."""
    name = "payment_method_options[card][mit_exemption]"
    given = ((call.params.get("payment_method_options") or {}).get("card") or {}).get("mit_exemption")
    if not given:
        return False
    if not is_off_session(call):
        raise invalid(f"You can only provide `{name}` when also setting `off_session` to `true`.", param=name)
    if ("network_transaction_id" in given) == bool(given.get("claim_without_transaction_id")):
        raise invalid(f"Give exactly one of network_transaction_id and claim_without_transaction_id in {name}.")
    return True


def needs_challenge(call: Call, intent: Json, kept: Json, acts: Behaviour, *, exempt: bool = False) -> bool:
    """Whether the issuer wants the shopper: by the magic card, or because the request asks for a challenge.

    `exempt`: the merchant claims an earlier agreement, which counts as a set-up.
    """
    asked = intent["payment_method_options"].get("card", {}).get("request_three_d_secure")
    outcome = call.decision.get("outcome")
    if outcome is not None and outcome["name"] == "requires_action":
        return True
    if asked in ("any", "challenge"):
        return True
    off_session = is_off_session(call)
    if acts.three_ds == "unless_set_up":
        return not (off_session and (kept["set_up"] or exempt))
    if acts.three_ds == "set_up":
        return not off_session
    return acts.three_ds == "required"


def _challenge(call: Call, intent: Json, method: Json) -> Json:
    """`requires_action`, or the decline that says so where nobody can act."""
    if is_off_session(call) or call.params.get("error_on_requires_action"):
        return declined(call, intent, method, decline_for("authentication_required"), None)
    return_url = call.params.get("return_url")
    page = f"{call.base_url}/simulator/authenticate/{intent['id']}"
    action: dict[str, Any]
    if return_url is not None and not call.params.get("use_stripe_sdk"):
        action = {"redirect_to_url": {"return_url": return_url, "url": page}, "type": "redirect_to_url"}
    else:
        action = {
            "type": "use_stripe_sdk",
            "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": page, "source": intent["id"]},
        }
    intent = {**intent, "status": "requires_action", "next_action": action}
    call.emit("payment_intent.requires_action", intent)
    return call.put("payment_intent", intent)


def authorize(call: Call, intent: Json, method: Json, kept: Json, acts: Behaviour, *, three_ds: Json | None) -> Json:
    """Ask the simulated issuer. `three_ds` is the authentication's result when there was one."""
    fault = call.decision.get("decline")
    if fault is not None:
        return declined(call, intent, method, decline_for(fault["code"], fault["advice"]), three_ds)
    if acts.decline is not None:
        return declined(call, intent, method, decline_for(acts.decline), three_ds)
    if acts.three_ds == "error":  # the look-up of the authentication fails before any challenge
        return declined(call, intent, method, decline_for("generic_decline"), three_ds)
    pending = call.decision.get("pending")
    charge = new_charge(call, intent, method, kept, three_ds)
    if pending is not None:
        return _pending(call, intent, charge, pending)
    return approved(call, intent, charge, kept)


def new_charge(call: Call, intent: Json, method: Json, kept: Json, three_ds: Json | None) -> Json:
    """A charge for the intent's amount, held and not captured."""
    asked = intent["payment_method_options"].get("card", {}).get("request_multicapture") == "if_available"
    can = kept["brand"] in objects_money.MULTICAPTURE_BRANDS and intent["capture_method"] == "manual"
    raisable = intent["payment_method_options"].get("card", {}).get("request_incremental_authorization")
    details = objects_money.card_details(
        method,
        intent["amount"],
        cvc_check=kept["cvc_check"],
        multicapture=asked and can,
        incremental=raisable == "if_available" and can,
        three_ds=three_ds,
        network_id=call.account.new_id("", 15, "0123456789"),
    )
    identifier = call.new_id("ch_3", 23)
    receipt = f"{call.base_url}/simulator/receipts/{identifier}"
    return objects_money.charge(identifier, call.created, intent, method, details, receipt)


def approved(call: Call, intent: Json, charge: Json, kept: Json) -> Json:
    """The issuer said yes: hold the money (manual capture) or take it at once."""
    amount = intent["amount"]
    if intent["capture_method"] == "manual":
        intent = {**intent, "status": "requires_capture", "amount_capturable": amount, "latest_charge": charge["id"]}
        call.move("authorize", amount, charge)
        if (lasts := call.account.mode("authorization").seconds) is not None:
            call.later(intent["id"], "expire", lasts, {})
        call.emit("charge.succeeded", charge)
        call.emit("payment_intent.amount_capturable_updated", intent)
    else:
        booked = balance.book(call, charge, "charge", amount, fee=balance.payment_fee(amount, charge["currency"]))
        charge = {**charge, "captured": True, "amount_captured": amount, "balance_transaction": booked}
        intent = {**intent, "status": "succeeded", "amount_received": amount, "latest_charge": charge["id"]}
        call.move("charge", amount, charge)
        call.emit("charge.succeeded", charge)
        call.emit("payment_intent.succeeded", intent)
    call.put("charge", charge)
    _keep_method(call, intent, kept)
    call.put("payment_intent", intent)
    if charge["captured"]:
        _troubles(call, charge, behaviour(kept["magic"]))
    return intent


def _troubles(call: Call, charge: Json, acts: Behaviour) -> None:
    """What a magic card brings after success: a dispute (in `dispute` of the lifecycle's time), a fraud warning."""
    if acts.warning:
        disputes.warn(call, charge)
    if acts.dispute is None:
        return
    mode = call.account.mode("dispute")
    if mode == lifecycle.IMMEDIATE:
        disputes.start(call, charge, acts.dispute, inquiry=acts.inquiry)
    else:
        data = {"reason": acts.dispute, "inquiry": acts.inquiry}
        call.later(charge["id"], "dispute", mode.seconds, data)


def _keep_method(call: Call, intent: Json, kept: Json) -> None:
    """After success: attach the method to the customer when the intent asks for it, else it is used up."""
    method = call.need("payment_method", kept["id"], "payment_method")
    if method["customer"] is None and intent["customer"] is not None and intent["setup_future_usage"] is not None:
        method = {**method, "customer": intent["customer"]}
        call.put("payment_method", method)
        call.emit("payment_method.attached", method)
    set_up = kept["set_up"] or (intent["setup_future_usage"] == "off_session" and method["customer"] is not None)
    call.put("card", {**kept, "set_up": set_up, "used": method["customer"] is None})


def _pending(call: Call, intent: Json, charge: Json, fault: Any) -> Json:
    """`processing`: the issuer answers later, on the account's clock or by hand."""
    charge = {**charge, "status": "pending", "paid": False, "outcome": None}
    intent = {**intent, "status": "processing", "latest_charge": charge["id"]}
    call.put("charge", charge)
    call.emit("charge.pending", charge)
    call.emit("payment_intent.processing", intent)
    call.later(intent["id"], "finish_payment", fault["seconds"], {"then": fault["then"]})
    return call.put("payment_intent", intent)


def declined(call: Call, intent: Json, method: Json, decline: Decline, three_ds: Json | None) -> Json:
    """Stage what a decline leaves and raise `CardDeclined`."""
    kept = call.need("card", method["id"], "payment_method")
    charge = fail_charge(new_charge(call, intent, method, kept, three_ds), decline)
    intent = fail_intent(call, intent, charge, method, decline)
    raise CardDeclined({**intent["last_payment_error"], "payment_intent": intent})


def fail_charge(charge: Json, decline: Decline) -> Json:
    """The charge after a refusal: nothing paid, the reason in three places."""
    return {
        **charge,
        "status": "failed",
        "paid": False,
        "failure_code": decline.code,
        "failure_message": decline.message,
        "outcome": objects_money.declined_outcome(decline),
    }


def fail_intent(call: Call, intent: Json, charge: Json, method: Json, decline: Decline) -> Json:
    """Back to `requires_payment_method` with `last_payment_error`; the journal notes a decline, which moves nothing."""
    error = objects_money.error_of(decline, charge["id"], method)
    intent = {
        **intent,
        "status": "requires_payment_method",
        "payment_method": None,
        "latest_charge": charge["id"],
        "last_payment_error": error,
        "next_action": None,
    }
    call.move("decline", intent["amount"], charge, code=decline.reason)
    call.put("charge", charge)
    call.emit("charge.failed", charge)
    call.emit("payment_intent.payment_failed", intent)
    return call.put("payment_intent", intent)
