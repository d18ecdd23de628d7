"""Capturing what an intent holds: whole, in part with the rest released, or in parts where multicapture was asked."""

from simulators.stripe import balance
from simulators.stripe.call import Call
from simulators.stripe.declines import decline_for
from simulators.stripe.errors import CardDeclined, invalid
from simulators.stripe.intent_state import unexpected_state
from simulators.stripe.intents import retrieve
from simulators.stripe.objects import Json
from simulators.stripe.objects_money import error_of
from simulators.stripe.params import merge_metadata

MAX_CAPTURES = 50
"""Captures of one intent, from Stripe's public multicapture page."""


def capture(call: Call) -> Json:
    """`POST /v1/payment_intents/{id}/capture`."""
    before = retrieve(call)
    params = call.params
    if before["status"] != "requires_capture":
        raise unexpected_state(before, "capture", ["requires_capture"])
    charge = call.need("charge", before["latest_charge"], "charge")
    final = params.get("final_capture", True)
    if not final and charge["payment_method_details"]["card"]["multicapture"]["status"] != "available":
        raise invalid(
            "This PaymentIntent does not support multicapture, so final_capture can only be true. Ask for it with "
            "payment_method_options[card][request_multicapture]=if_available when creating the PaymentIntent.",
            param="final_capture",
        ).after_execution()
    amount: int = call.amount(params.get("amount_to_capture", before["amount_capturable"]))
    intent = dict(before)
    if "metadata" in params:
        intent["metadata"] = merge_metadata(before["metadata"], params["metadata"])
    for name in ("statement_descriptor", "statement_descriptor_suffix"):
        if name in params:
            intent[name] = params[name]
    return take(call, intent, charge, amount, final=final, param="amount_to_capture")


def take(call: Call, intent: Json, charge: Json, amount: int, *, final: bool, param: str) -> Json:
    """Move `amount` (minor units) of what `charge` holds; the rest stays held unless this is the final capture."""
    held = intent["amount_capturable"]
    if amount < 1:
        raise invalid("This value must be greater than or equal to 1.", code="parameter_invalid_integer", param=param)
    if amount > held:
        raise invalid(
            f"Amount to capture ({amount}) is greater than what this PaymentIntent still holds ({held}).",
            code="amount_too_large",
            param=param,
        ).after_execution()
    fault = call.decision.get("decline")
    if fault is not None:
        decline = decline_for(fault["code"])
        call.move("decline", amount, charge, of=intent, code=decline.reason)
        method = call.need("payment_method", intent["payment_method"], "payment_method")
        raise CardDeclined({**error_of(decline, charge["id"], method), "payment_intent": intent})
    parts = call.need("card", intent["payment_method"], "payment_method")
    taken = parts.get("captures", 0) + 1
    if taken > MAX_CAPTURES:
        raise invalid(f"A PaymentIntent can be captured at most {MAX_CAPTURES} times.", param=param).after_execution()
    call.put("card", {**parts, "captures": taken})
    final = final or amount == held
    captured = charge["amount_captured"] + amount
    before_charge = charge
    booked = balance.book(call, charge, "charge", amount, fee=balance.payment_fee(amount, charge["currency"]))
    charge = {**charge, "amount_captured": captured, "balance_transaction": booked}
    intent = {**intent, "amount_received": intent["amount_received"] + amount}
    if final:
        # What is not captured is released. Since version 2025-03-31 that is no refund and `amount_refunded` stays.
        charge = {**charge, "captured": True}
        intent = {**intent, "amount_capturable": 0, "status": "succeeded"}
        call.settled(intent["id"])  # nothing is held that could run out
    else:
        intent = {**intent, "amount_capturable": held - amount}
    call.move("capture", amount, charge, of=intent)
    call.put("charge", charge)
    call.put("payment_intent", intent)
    if final:
        call.emit("charge.captured", charge, before_charge)
        call.emit("payment_intent.succeeded", intent)
    else:
        call.emit("charge.updated", charge, before_charge)
        call.emit("payment_intent.amount_capturable_updated", intent)
    return intent
