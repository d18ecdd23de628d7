"""Refunds of captured money, whole or in parts. They succeed at once unless the magic card or a fault says no."""

from simulators.kit import lifecycle
from simulators.stripe import balance, lists, objects_money
from simulators.stripe.call import Call
from simulators.stripe.cards import behaviour
from simulators.stripe.errors import invalid
from simulators.stripe.money import check_currency, format_amount
from simulators.stripe.objects import Json
from simulators.stripe.params import merge_metadata

FAILS_AFTER_S = 60.0
"""How long after success a magic card's refund fails, and how long a magic pending one takes."""


def create(call: Call) -> Json:
    """`POST /v1/refunds`."""
    charge = _charge(call)
    amount = call.amount(_amount(call, charge))
    identifier = call.new_id("re_3", 23)
    metadata = merge_metadata({}, call.params.get("metadata", {}))
    reason = call.params.get("reason")
    refund = objects_money.refund(identifier, call.created, charge, amount, reason=reason, metadata=metadata)
    kept = call.need("card", charge["payment_method"], "payment_method")
    acts = behaviour(kept["magic"])
    fault = call.decision.get("decline")
    if fault is not None:
        return _fails_at_once(call, refund, charge, fault["code"])
    pending = call.decision.get("pending")
    seconds = pending["seconds"] if pending is not None else FAILS_AFTER_S
    mode = call.account.mode("refund")
    if pending is None and acts.refund is None and mode != lifecycle.IMMEDIATE:
        seconds = mode.seconds
    waits = pending is not None or acts.refund == "pending" or (acts.refund is None and mode != lifecycle.IMMEDIATE)
    call.move("refund", amount, refund, of=charge)
    refund["balance_transaction"] = balance.book(call, refund, "refund", -amount, after_s=0)
    if waits:
        refund = {**refund, "status": "pending", "pending_reason": "processing"}
        then = pending["then"] if pending is not None else "approve"
        action = "finish_refund" if then == "approve" else "fail_refund"
        call.later(identifier, action, seconds, {})
    elif acts.refund == "fails":
        call.later(identifier, "fail_refund", FAILS_AFTER_S, {})
    call.put("refund", refund)
    before = charge
    refunded = charge["amount_refunded"] + amount
    charge = {**charge, "amount_refunded": refunded, "refunded": refunded == charge["amount_captured"]}
    call.put("charge", charge)
    call.emit("refund.created", refund)
    call.emit("charge.refunded", charge, before)
    return refund


def _charge(call: Call) -> Json:
    """The charge that the request means. Raises for one that has nothing to give back."""
    params = call.params
    if ("charge" in params) == ("payment_intent" in params):
        if "charge" in params:
            raise invalid("You cannot specify both charge and payment_intent.", param="charge")
        raise invalid(
            "One of the following params should be provided for this request: payment_intent or charge.",
            code="parameter_missing",
        )
    if "charge" in params:
        charge = call.need("charge", params["charge"], "charge")
    else:
        intent = call.need("payment_intent", params["payment_intent"], "payment_intent")
        if intent["latest_charge"] is None or intent["amount_received"] == 0:
            raise invalid(
                f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.",
                param="payment_intent",
            ).after_execution()
        charge = call.need("charge", intent["latest_charge"], "charge")
    if charge["disputed"] and any(
        not one["is_charge_refundable"] and one["status"] != "won"
        for one in call.find("dispute", "charge", charge["id"])
    ):
        raise invalid(
            f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed"
        ).after_execution()
    if charge["amount_captured"] == 0:
        raise invalid(
            f"Charge {charge['id']} has no captured amount to refund. Cancel its PaymentIntent to release the funds."
        ).after_execution()
    return charge


def _amount(call: Call, charge: Json) -> int:
    """The amount to refund in minor units, at most what is left of the captured amount."""
    if "currency" in call.params and check_currency(call.params["currency"]) != charge["currency"]:
        raise invalid("The currency of a refund is the charge's.", param="currency")
    made = call.find("refund", "charge", charge["id"])
    gone = sum(item["amount"] for item in made if item["status"] not in ("failed", "canceled"))
    left = charge["amount_captured"] - gone
    if left == 0:
        raise invalid(
            f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded"
        ).after_execution()
    amount: int = call.params.get("amount", left)
    if amount < 1:
        raise invalid(
            "This value must be greater than or equal to 1.", code="parameter_invalid_integer", param="amount"
        )
    if amount > left:
        currency = charge["currency"]
        raise invalid(
            f"Refund amount ({format_amount(amount, currency)}) is greater than unrefunded amount on charge "
            f"({format_amount(left, currency)})",
            param="amount",
        ).after_execution()
    return amount


FAILURE_REASONS = {
    **dict.fromkeys(("46", "54", "expired_card"), "expired_or_canceled_card"),
    **dict.fromkeys(("41", "43", "lost_card", "stolen_card"), "lost_or_stolen_card"),
    **dict.fromkeys(("51", "insufficient_funds"), "insufficient_funds"),
}
"""Why a refund failed, by the code that a fault gives; every other one is `declined`."""


def _fails_at_once(call: Call, refund: Json, charge: Json, code: str) -> Json:
    """A fault: the refund is made and is `failed` in the answer; no money moves."""
    refund = {
        **refund,
        "status": "failed",
        "failure_reason": FAILURE_REASONS.get(code, "declined"),
        "balance_transaction": balance.book(call, refund, "refund", -refund["amount"], after_s=0),
        "failure_balance_transaction": balance.book(call, refund, "refund_failure", refund["amount"], after_s=0),
    }
    call.move("decline", refund["amount"], refund, of=charge, code=code)
    call.put("refund", refund)
    call.emit("refund.created", refund)
    call.emit("refund.failed", refund)
    return refund


def finish(call: Call, refund: Json) -> None:
    """A pending refund reaches the shopper."""
    after = {key: value for key, value in refund.items() if key != "pending_reason"} | {"status": "succeeded"}
    call.put("refund", after)
    call.emit("refund.updated", after, refund)
    call.emit("charge.refund.updated", after, refund)


def fail(call: Call, refund: Json, reason: str) -> None:
    """The bank sends the money back: the charge has it again. `reason` is a `failure_reason`."""
    after = {key: value for key, value in refund.items() if key != "pending_reason"} | {
        "status": "failed",
        "failure_reason": reason,
        "failure_balance_transaction": balance.book(call, refund, "refund_failure", refund["amount"], after_s=0),
    }
    charge = call.need("charge", refund["charge"], "charge")
    call.move("refund_failed", refund["amount"], refund, of=charge, code=reason)
    call.put("refund", after)
    call.put("charge", {**charge, "amount_refunded": charge["amount_refunded"] - refund["amount"], "refunded": False})
    call.emit("refund.failed", after)
    call.emit("charge.refund.updated", after, refund)


def retrieve(call: Call) -> Json:
    """`GET /v1/refunds/{id}`."""
    return call.need("refund", call.path[0], "id")


def update(call: Call) -> Json:
    """`POST /v1/refunds/{id}`: metadata only."""
    before = retrieve(call)
    after = dict(before)
    if "metadata" in call.params:
        after["metadata"] = merge_metadata(before["metadata"], call.params["metadata"])
    call.emit("refund.updated", after, before)
    return call.put("refund", after)


def list_all(call: Call) -> Json:
    """`GET /v1/refunds`."""
    items = None
    for field in ("charge", "payment_intent"):
        if items is None and call.params.get(field):
            items = list(reversed(call.find("refund", field, call.params[field])))
    return lists.page(call, "refund", "/v1/refunds", items, payment_intent=call.params.get("payment_intent"))


def cancel(call: Call) -> Json:
    """`POST /v1/refunds/{id}/cancel`: only from `requires_action`, which card refunds never reach."""
    refund = retrieve(call)
    raise invalid(
        f"Refund {refund['id']} cannot be canceled because it has a status of {refund['status']}.",
        code="resource_already_exists" if refund["status"] == "canceled" else None,
    ).after_execution()
