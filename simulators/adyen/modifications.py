"""Captures, cancels, refunds, reversals, amount updates: received at once, and at rest by a notification."""

from typing import Any

from simulators.adyen import errors, fields, standing
from simulators.adyen.movements import MODIFICATIONS
from simulators.adyen.notifications import amount_of
from simulators.adyen.payments import answer, merchant, money, require
from simulators.kit import cards, lifecycle
from simulators.kit.exchange import Exchange
from simulators.kit.faults import Facts
from simulators.kit.http import Answer
from simulators.kit.routing import Handler

Json = dict[str, Any]
KINDS: dict[str, tuple[fields.Struct, str]] = {
    "capture": (fields.CAPTURE, "capture"),
    "cancel": (fields.CANCEL, "cancel"),
    "technical_cancel": (fields.TECHNICAL_CANCEL, "cancel"),
    "refund": (fields.REFUND, "refund"),
    "reversal": (fields.REVERSAL, "refund"),
    "adjustment": (fields.UPDATE, "adjustment"),
}
"""Kind of modification → its request and the lifecycle that says how long it takes."""
ECHOED = ("capturePspReference", "industryUsage", "lineItems", "merchantRefundReason", "platformChargebackLogic",
          "splits", "store", "subMerchants")  # fmt: skip


def facts(kind: str) -> Any:
    """The facts function of a kind of modification."""

    def found(x: Exchange) -> Facts:
        struct = KINDS[kind][0]
        fields.check(struct, x.body)
        account = merchant(x, x.body.get("merchantAccount"))
        payment = _named(x) if kind != "technical_cancel" else None
        require(struct, x.body)
        if kind == "technical_cancel":
            payment = _by_reference(x, x.body["paymentReference"])
        amount, currency = _amount(x, kind, payment)
        x.body = {"request": x.body, "payment": payment, "merchant": account}
        said = Facts(
            _operation(kind, payment),
            amount=amount,
            currency=currency,
            reference=x.body["request"].get("reference"),
            payment=None if payment is None else payment["payment"],
        )
        if payment is not None and payment["card"] is not None:
            for name, value in cards.traits(payment["card"]).items():
                setattr(said, name, value)
        return said

    return found


def _named(x: Exchange) -> Json:
    payment = x.store.get(standing.PAYMENTS, x.params["paymentPspReference"])
    if payment is None or payment["state"] == "action":
        errors.unknown_payment()
    return payment


def _by_reference(x: Exchange, reference: str) -> Json | None:
    """The newest payment of that merchant reference."""
    found = x.store.find(standing.PAYMENTS, "reference", reference)
    return found[-1] if found else None


def _amount(x: Exchange, kind: str, payment: Json | None) -> tuple[int, str]:
    """What is asked to move, in minor units of the payment's currency."""
    if kind in ("capture", "refund", "adjustment"):
        assert payment is not None
        currency, value = money(x.body["amount"], least=1)
        if currency != payment["currency"]:
            errors.refuse(422, "138", "Unsupported currency specified")
        return value, currency
    if payment is None:
        return 0, "EUR"
    if kind == "reversal" and payment["captured"]:
        return payment["captured"] - payment["refunded"], payment["currency"]
    return standing.open_amount(payment), payment["currency"]


def _operation(kind: str, payment: Json | None) -> str:
    if kind == "reversal" and payment is not None and payment["captured"]:
        return "refund"
    return {"capture": "capture", "refund": "refund", "adjustment": "*"}.get(kind, "void")


def handler(kind: str) -> Handler:
    """The handler of a kind of modification."""

    def modify(x: Exchange) -> Answer:
        request, payment = x.body["request"], x.body["payment"]
        modification: Json = {
            "id": standing.psp_reference(x.account),
            "kind": kind,
            "payment": None if payment is None else payment["id"],
            "wanted": request.get("paymentReference"),
            "merchant": x.body["merchant"],
            "reference": request.get("reference"),
            "amount": x.amount,
            "currency": x.facts.currency,
            "state": "received",
        }
        x.made = modification["id"]
        x.store.put(MODIFICATIONS, modification)
        verdict = x.verdict
        if verdict.decline is not None:
            lifecycle.start(x.account, modification["id"], "settle", _mode(x, kind), {"then": verdict.decline.code})
        elif verdict.outcome == "pending":
            lifecycle.start(x.account, modification["id"], "settle", verdict.mode(), {"then": verdict.then})
        else:
            lifecycle.start(x.account, modification["id"], "settle", _mode(x, kind), {"then": "approve"})
        return answer(x, 201, _view(request, modification))

    return modify


def _mode(x: Exchange, kind: str) -> lifecycle.Mode:
    return x.account.mode(KINDS[kind][1])


def _view(request: Json, modification: Json) -> Json:
    body: Json = {
        "merchantAccount": modification["merchant"],
        "pspReference": modification["id"],
        "status": "received",
        **{name: request[name] for name in ECHOED if request.get(name) is not None},
    }
    if modification["reference"] is not None:
        body["reference"] = modification["reference"]
    kind = modification["kind"]
    if kind == "technical_cancel":
        return body | {"paymentReference": modification["wanted"]}
    body["paymentPspReference"] = modification["payment"]
    if kind in ("capture", "refund", "adjustment"):
        body["amount"] = amount_of(modification["currency"], modification["amount"])
    if kind == "adjustment":
        body.setdefault("reference", "")  # the one answer whose description demands it
    return body
