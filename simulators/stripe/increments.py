"""Incremental authorization: a hold is raised before it is captured, if that was asked for at confirmation."""

from simulators.stripe.call import Call
from simulators.stripe.declines import decline_for
from simulators.stripe.errors import CardDeclined, invalid
from simulators.stripe.intent_state import unexpected_state
from simulators.stripe.intents import retrieve
from simulators.stripe.money import check_amount, format_amount
from simulators.stripe.objects import Json
from simulators.stripe.objects_money import error_of
from simulators.stripe.params import merge_metadata

MAX_INCREMENTS = 10
"""Tries per payment intent, declined ones included, from the public API reference."""


def increment(call: Call) -> Json:
    """`POST /v1/payment_intents/{id}/increment_authorization`: `amount` is the new total.

    A decline leaves the intent, its hold and its charge as they were.
    """
    before = retrieve(call)
    params = call.params
    if before["status"] != "requires_capture":
        raise unexpected_state(before, "increment", ["requires_capture"])
    charge = call.need("charge", before["latest_charge"], "charge")
    card = charge["payment_method_details"]["card"]
    if card["incremental_authorization"]["status"] != "available":
        raise invalid(
            "This PaymentIntent is not eligible for incremental authorization. Ask for it with "
            "payment_method_options[card][request_incremental_authorization]=if_available when confirming.",
            code="payment_intent_unexpected_state",
            payment_intent=before,
        ).after_execution()
    if before["amount_received"]:
        raise invalid("The authorization of a PaymentIntent that was captured in part cannot be raised.")
    kept = call.need("card", before["payment_method"], "payment_method")
    tries = kept.get("increments", 0) + 1
    if tries > MAX_INCREMENTS:
        raise invalid(f"An authorization can be raised at most {MAX_INCREMENTS} times.").after_execution()
    if params["amount"] <= before["amount"]:
        raise invalid(
            f"The new amount must be greater than {format_amount(before['amount'], before['currency'])}.",
            param="amount",
        )
    check_amount(params["amount"], before["currency"])
    call.put("card", {**kept, "increments": tries})
    fault = call.decision.get("decline")
    if fault is not None:
        decline = decline_for(fault["code"])
        method = call.need("payment_method", before["payment_method"], "payment_method")
        call.move("decline", params["amount"] - before["amount"], charge, of=before, code=decline.reason)
        raise CardDeclined({**error_of(decline, charge["id"], method), "payment_intent": before})
    return _raise(call, before, charge, call.amount(params["amount"]))


def _raise(call: Call, before: Json, charge: Json, amount: int) -> Json:
    """The hold is `amount` (minor units) now; the journal gets what was added."""
    params = call.params
    intent = {**before, "amount": amount, "amount_capturable": amount}
    for name in ("description", "statement_descriptor"):
        if name in params:
            intent[name] = params[name]
    if "metadata" in params:
        intent["metadata"] = merge_metadata(before["metadata"], params["metadata"])
    details = charge["payment_method_details"]
    overcapture = {**details["card"]["overcapture"], "maximum_amount_capturable": amount}
    card = {**details["card"], "amount_authorized": amount, "overcapture": overcapture}
    raised = {**charge, "amount": amount, "payment_method_details": {**details, "card": card}}
    call.move("authorize", amount - before["amount"], charge, of=before)
    call.put("charge", raised)
    call.emit("charge.updated", raised, charge)
    call.emit("payment_intent.amount_capturable_updated", intent)
    return call.put("payment_intent", intent)
