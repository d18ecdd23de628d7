"""Captures, voids, refunds, reversals and increments: accepted with 202 and an action's id, processed afterwards.

Only an increment is answered with its result, as an authorization is.
"""

from typing import Any

from simulators.checkout import errors, movements, objects, wire
from simulators.checkout.params import Fields
from simulators.checkout.payments import need
from simulators.kit import cards as kit_cards
from simulators.kit import lifecycle
from simulators.kit.exchange import Exchange
from simulators.kit.faults import Facts
from simulators.kit.http import Answer

Json = dict[str, Any]

CAPTURE_TYPES = ("Final", "NonFinal")
KINDS = {"capture": "Capture", "void": "Void", "refund": "Refund", "authorize": "Authorization"}


def _left(x: Exchange, payment: Json, operation: str) -> int:
    """Minor units that the operation may still move; what is accepted and not processed yet is held."""
    left = objects.balances(payment)
    if operation == "refund":
        return int(left["available_to_refund"]) - objects.waiting(x.account, payment, "Refund")
    held = objects.waiting(x.account, payment, "Capture") + objects.waiting(x.account, payment, "Void")
    if operation == "capture":
        return int(left["available_to_capture"]) - held
    return 0 if held else int(left["available_to_void"])


def _facts(x: Exchange, operation: str) -> Facts:
    """Read the request against the payment it is about. Raises Refusal: 404, 403 or 422."""
    payment = need(x)
    fields = Fields(x.body)
    asked = fields.amount(payment["currency"])
    fields.text("reference", 50)
    fields.metadata()
    fields.choice("capture_type", CAPTURE_TYPES)
    fields.refuse()
    left = _left(x, payment, operation)
    if operation == "authorize":
        if payment["authorization_type"] != "Estimated" or not left:
            errors.not_allowed()
        if asked is None:
            errors.invalid("amount_required")
        left = asked
    elif left <= 0:
        errors.not_allowed()
    amount = left if asked is None else asked
    if operation == "void" and amount != left:
        errors.invalid("void_amount_invalid")
    if amount > left:
        _too_much(payment, operation, amount)
    x.body["payment"], x.body["operation"] = payment, operation
    found = Facts(
        operation,
        amount=amount,
        currency=payment["currency"],
        reference=x.body.get("reference"),
        payment=(x.body.get("metadata") or payment["metadata"] or {}).get("payera_payment"),
    )
    for name, value in kit_cards.traits(payment["source"]["card"]).items():
        setattr(found, name, value)
    return found


def _too_much(payment: Json, operation: str, amount: int) -> None:
    if operation == "refund":
        errors.invalid("refund_amount_exceeds_balance")
    if amount > payment["authorized"]:
        errors.invalid("capture_value_greater_than_authorized")
    errors.invalid("capture_value_greater_than_remaining_authorized")


def capture_facts(x: Exchange) -> Facts:
    """What rules may match in a capture."""
    return _facts(x, "capture")


def void_facts(x: Exchange) -> Facts:
    """What rules may match in a void."""
    return _facts(x, "void")


def refund_facts(x: Exchange) -> Facts:
    """What rules may match in a refund."""
    return _facts(x, "refund")


def reversal_facts(x: Exchange) -> Facts:
    """A reversal is a void of what is not captured, else a refund of what is."""
    return _facts(x, "void" if _left(x, need(x), "void") > 0 else "refund")


def increment_facts(x: Exchange) -> Facts:
    """What rules may match in an increment of an authorization."""
    return _facts(x, "authorize")


def _action(x: Exchange) -> Json:
    payment, operation = x.body["payment"], x.body["operation"]
    action = movements.new_action(
        x.account, payment, KINDS[operation], x.amount,
        reference=x.body.get("reference"),
        metadata=x.body.get("metadata") if x.body.get("metadata") is not None else payment["metadata"],
        final=x.body.get("capture_type", "Final") != "NonFinal",
        authorization_type="Incremental" if operation == "authorize" else None,
    )  # fmt: skip
    x.made = action["id"]
    return action


def accept(x: Exchange) -> Answer:
    """POST /payments/{id}/captures, /voids, /refunds, /reversals"""
    payment, action = x.body["payment"], _action(x)
    x.store.put("actions", action)
    verdict = x.verdict
    if verdict.decline is not None:
        mode, then = x.account.mode(x.body["operation"]), verdict.decline.code
    elif verdict.outcome == "pending":
        mode, then = verdict.mode(), verdict.then
    else:
        mode, then = x.account.mode(x.body["operation"]), "approve"
    here = f"{x.request.base_url}/payments/{payment['id']}"
    lifecycle.start(x.account, action["id"], "settle", mode, {"then": then})
    found = {
        "action_id": action["id"],
        "reference": action["reference"],
        "_links": {"payment": {"href": here}},
    }
    return wire.answer(202, objects.shown(found))


def increment(x: Exchange) -> Answer:
    """POST /payments/{id}/authorizations"""
    payment, action = x.body["payment"], _action(x)
    verdict = x.verdict
    movements.process(x.account, payment, action, verdict.decline.code if verdict.decline is not None else None)
    return wire.answer(
        201,
        objects.shown(
            {
                "action_id": action["id"],
                "amount": payment["authorized"],
                "currency": payment["currency"],
                "approved": action["approved"],
                "status": "Authorized" if action["approved"] else "Declined",
                "auth_code": action["auth_code"],
                "response_code": action["response_code"],
                "response_summary": action["response_summary"],
                "expires_on": payment["expires_on"],
                "balances": objects.balances(payment),
                "processed_on": action["processed_on"],
                "reference": action["reference"],
                "processing": action["processing"],
                "eci": payment["eci"],
                "scheme_id": payment["scheme_id"],
                "_links": objects.links(x.request.base_url, payment),
            }
        ),
    )
