"""Dummypay's operations for the kit's OpenAPI document: what `wire` accepts, and one example of each."""

from typing import Any

from simulators.dummypay.wire import MAX_AMOUNT, MAX_PROSE, PROOF
from simulators.kit.openapi import BEARER, CURRENCY, FLAG, Description, Doc, Step, choice, struct, text, whole

Json = dict[str, Any]
REFERENCE = text(255, shortest=1, pattern="^[ -~]+$")
AMOUNT = whole(1, MAX_AMOUNT)
CARD = struct(
    {
        "number": text(19, shortest=12, pattern="^[0-9]+$"),
        "exp_month": whole(1, 12),
        "exp_year": whole(2000, 2099),
        "cvc": text(pattern="^[0-9]{3,4}$"),
        "name": text(),
    },
    "number",
    "exp_month",
    "exp_year",
    closed=False,
)
AUTHENTICATION = struct(
    {
        "version": text(pattern=PROOF["version"]),
        "eci": text(pattern=PROOF["eci"]),
        "cavv": text(pattern=PROOF["cavv"]),
        "ds_transaction_id": text(pattern=PROOF["ds_transaction_id"]),
    },
    *PROOF,
)
CHARGE = struct(
    {
        "amount": AMOUNT,
        "currency": CURRENCY,
        "card": CARD,
        "capture": FLAG,
        "email": REFERENCE,
        "reference": REFERENCE,
        "payment": REFERENCE,
        "description": text(MAX_PROSE),
        "initiator": choice("shopper", "merchant"),
        "previous_network_transaction_id": REFERENCE,
        "authentication": AUTHENTICATION,
    },
    "amount",
    "currency",
    "card",
    closed=False,
)
OPERATION = struct({"amount": AMOUNT, "reference": REFERENCE, "final": FLAG, "reason": text(MAX_PROSE)}, closed=False)
LOOKED_UP: Json = {"reference": REFERENCE, "payment": REFERENCE}

_CARD: Json = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2039, "cvc": "123"}
_PAY: Json = {"amount": 4200, "currency": "EUR", "card": _CARD, "reference": "r1", "payment": "p1"}
PAID = Step("POST /v1/charges", _PAY, {"id": "id"})
HELD = Step("POST /v1/charges", {**_PAY, "capture": False}, {"id": "id"})
_MADE: dict[str, tuple[Step, ...]] = {
    "charges": (PAID,),
    "captures": (HELD, Step("POST /v1/charges/{id}/capture", {"amount": 100}, {"id": "id"})),
    "voids": (HELD, Step("POST /v1/charges/{id}/void", {}, {"id": "id"})),
    "refunds": (PAID, Step("POST /v1/charges/{id}/refunds", {"amount": 100}, {"id": "id"})),
}

DISPUTED = (
    PAID,
    Step("CONTROL POST /settle", {"object": "{id}", "action": "dispute_needs_response"}),
    Step("GET /v1/disputes", {"charge": "{id}"}, {"id": "data.0.id"}),
)
EVIDENCE = struct({"text": text(MAX_PROSE, shortest=1)}, "text", closed=False)

_OPERATIONS: dict[str, Doc] = {
    "POST /v1/charges": Doc(summary="Charge a card, or hold an amount", body=CHARGE, example=_PAY),
    "POST /v1/charges/{id}/capture": Doc(body=OPERATION, example={"amount": 4000}, first=(HELD,)),
    "POST /v1/charges/{id}/void": Doc(body=OPERATION, example={}, first=(HELD,)),
    "POST /v1/charges/{id}/refunds": Doc(body=OPERATION, example={"amount": 100}, first=(PAID,)),
    "GET /v1/disputes": Doc(query={"charge": REFERENCE}, example={"charge": "ch_1"}),
    "GET /v1/disputes/{id}": Doc(first=DISPUTED),
    "POST /v1/disputes/{id}/accept": Doc(summary="Give the money up", first=DISPUTED),
    "POST /v1/disputes/{id}/evidence": Doc(body=EVIDENCE, example={"text": "Delivered on the third."}, first=DISPUTED),
}
for _name, _steps in _MADE.items():
    _OPERATIONS[f"GET /v1/{_name}"] = Doc(query=LOOKED_UP, example={"reference": "r1"})
    _OPERATIONS[f"GET /v1/{_name}/{{id}}"] = Doc(first=_steps)

DESCRIPTION = Description(security=BEARER, operations=_OPERATIONS)
