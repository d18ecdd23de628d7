"""Checkout.com's operations for the kit's OpenAPI document: what `params` reads, and one example of each."""

from typing import Any

from simulators.checkout import threeds
from simulators.checkout.disputes import EVIDENCE
from simulators.checkout.operations import CAPTURE_TYPES
from simulators.checkout.params import MAX_AMOUNT
from simulators.checkout.payments import MAX_LISTED, PAYMENT_TYPES
from simulators.kit.openapi import (
    BEARER,
    CURRENCY,
    FLAG,
    FORM,
    HTML,
    Description,
    Doc,
    Step,
    choice,
    struct,
    text,
    whole,
)  # fmt: skip

Json = dict[str, Any]
AMOUNT = whole(0, MAX_AMOUNT)
METADATA: Json = {
    "type": "object",
    "additionalProperties": {"type": ["string", "number", "boolean"]},
    "maxProperties": 18,
}
LINES = {name: text(50) for name in ("city", "state", "zip")} | {"country": text(2, shortest=2)}
ADDRESS = struct({"address_line1": text(200), "address_line2": text(200), **LINES}, closed=False)
PHONE = struct({"country_code": text(7, shortest=1), "number": text(25, shortest=6)}, closed=False)
EMAIL = text(255, pattern="^[a-z]+@[a-z]+\\.[a-z]+$")
MONTH, YEAR = whole(1, 12), whole(1000, 9999)
CARD_FIELDS: Json = {
    "type": choice("card"),
    "number": text(19, shortest=12, pattern="^[0-9]+$"),
    "expiry_month": MONTH,
    "expiry_year": YEAR,
    "cvv": text(4, shortest=3, pattern="^[0-9]+$"),
    "name": text(255),
    "billing_address": ADDRESS,
    "phone": PHONE,
}
CARD = struct(CARD_FIELDS, "type", "number", "expiry_month", "expiry_year", closed=False)
SOURCE: Json = {
    "anyOf": [
        CARD,
        struct({"type": choice("token"), "token": text(shortest=1)}, "type", "token", closed=False),
        struct({"type": choice("id"), "id": text(shortest=1), "cvv": text(4)}, "type", "id", closed=False),
        struct({"type": choice("customer"), "id": text(shortest=1)}, "type", "id", closed=False),
    ]
}
THREE_DS = struct(
    {
        "enabled": FLAG,
        "attempt_n3d": FLAG,
        "exemption": choice(*threeds.EXEMPTIONS),
        "challenge_indicator": choice(*threeds.INDICATORS),
        "eci": text(2),
        "cryptogram": text(50),
        "xid": text(100),
        "version": text(10),
    },
    closed=False,
)
CUSTOMER_OF = struct({"id": text(), "email": EMAIL, "name": text(255), "default": FLAG}, closed=False)
PAYMENT = struct(
    {
        "source": SOURCE,
        "amount": AMOUNT,
        "currency": CURRENCY,
        "payment_type": choice(*PAYMENT_TYPES),
        "authorization_type": choice("Final", "Estimated"),
        "merchant_initiated": FLAG,
        "previous_payment_id": text(100),
        "reference": text(50, shortest=1),
        "description": text(100, shortest=1),
        "payment_ip": text(45, shortest=1),
        "capture": FLAG,
        "capture_on": text(),
        "customer": CUSTOMER_OF,
        "billing_descriptor": struct({"name": text(25, shortest=1), "city": text(13, shortest=1)}, "name", "city"),
        "shipping": struct({"address": ADDRESS, "phone": PHONE}, closed=False),
        "3ds": THREE_DS,
        "risk": struct({"enabled": FLAG}, closed=False),
        "success_url": text(1024),
        "failure_url": text(1024),
        "metadata": METADATA,
    },
    "source",
    "currency",
    closed=False,
)
OPERATION = struct(
    {
        "amount": whole(1, MAX_AMOUNT),
        "reference": text(50, shortest=1),
        "capture_type": choice(*CAPTURE_TYPES),
        "metadata": METADATA,
    },
    closed=False,
)
HOLDER = struct({"first_name": text(), "last_name": text(), "billing_address": ADDRESS, "phone": PHONE}, closed=False)
INSTRUMENT: Json = {
    "anyOf": [
        struct({**CARD_FIELDS, "account_holder": HOLDER, "customer": CUSTOMER_OF}, "type", "number", closed=False),
        struct({"type": choice("token"), "token": text(), "customer": CUSTOMER_OF}, "type", "token", closed=False),
    ]
}
INSTRUMENT_UPDATE = struct(
    {
        "type": choice("card"),
        "expiry_month": MONTH,
        "expiry_year": YEAR,
        "name": text(255, shortest=1),
        "account_holder": HOLDER,
        "customer": CUSTOMER_OF,
    },
    closed=False,
)
CUSTOMER = struct(
    {"email": EMAIL, "name": text(255, shortest=1), "phone": PHONE, "metadata": METADATA, "default": text()},
    closed=False,
)

_CARD: Json = {
    "type": "card",
    "number": "4242424242424242",
    "expiry_month": 12,
    "expiry_year": 2039,
    "cvv": "100",
}
_PAY: Json = {"source": _CARD, "amount": 4200, "currency": "EUR", "reference": "r1"}
_TAKE = {"id": "id", "instrument": "source.id"}
PAID = Step("POST /payments", _PAY, _TAKE)
HELD = Step("POST /payments", {**_PAY, "capture": False}, _TAKE)
ESTIMATED = Step("POST /payments", {**_PAY, "capture": False, "authorization_type": "Estimated"}, _TAKE)
CHALLENGED = Step("POST /payments", {**_PAY, "3ds": {"enabled": True}}, {"session": "_links.redirect.href/"})
TOKEN = Step("POST /tokens", _CARD, {"token": "token"})
KEPT = (TOKEN, Step("POST /instruments", {"type": "token", "token": "{token}"}, {"id": "id"}))
_ANN: Json = {"email": "ann@example.com", "name": "Ann"}
KNOWN = Step("POST /customers", _ANN, {"id": "id"})
PUBLIC = {"authorization": "Bearer {publishable_key}"}
_CLIENT: Json = {"grant_type": "client_credentials", "client_id": "{publishable_key}", "client_secret": "{api_key}"}

PROOF = struct(
    {f"{kind}_{form}": text(500, shortest=1) for kind in EVIDENCE for form in ("file", "text")}, closed=False
)
_PROOF: Json = {"proof_of_delivery_or_service_text": "Delivered on the third."}
DISPUTED = (
    PAID,
    Step("CONTROL POST /settle", {"object": "{id}", "action": "dispute"}),
    Step("GET /disputes", {"payment_id": "{id}"}, {"id": "data.0.id"}),
)
PROVEN = (*DISPUTED, Step("PUT /disputes/{id}/evidence", _PROOF))

_OPERATIONS: dict[str, Doc] = {
    "POST /payments": Doc(summary="Pay, or hold an amount", body=PAYMENT, example=_PAY),
    "GET /payments": Doc(
        query={"reference": text(shortest=1), "limit": whole(1, MAX_LISTED), "skip": whole(0, 10_000)},
        example={"reference": "r1"},
    ),
    "GET /payments/{id}": Doc(first=(PAID,)),
    "GET /payments/{id}/actions": Doc(first=(PAID,)),
    "POST /payments/{id}/captures": Doc(body=OPERATION, example={"amount": 4000}, first=(HELD,)),
    "POST /payments/{id}/voids": Doc(body=OPERATION, example={}, first=(HELD,)),
    "POST /payments/{id}/refunds": Doc(body=OPERATION, example={"amount": 100}, first=(PAID,)),
    "POST /payments/{id}/reversals": Doc(body=OPERATION, example={}, first=(HELD,)),
    "POST /payments/{id}/authorizations": Doc(body=OPERATION, example={"amount": 800}, first=(ESTIMATED,)),
    "POST /tokens": Doc(body=CARD, example=_CARD, headers=PUBLIC),
    "POST /instruments": Doc(body=INSTRUMENT, example={"type": "token", "token": "{token}"}, first=(TOKEN,)),
    "GET /instruments/{id}": Doc(first=KEPT),
    "PATCH /instruments/{id}": Doc(body=INSTRUMENT_UPDATE, example={"expiry_year": 2040}, first=KEPT),
    "DELETE /instruments/{id}": Doc(first=KEPT),
    "POST /customers": Doc(body=CUSTOMER, example=_ANN),
    "GET /customers/{id}": Doc(first=(KNOWN,)),
    "PATCH /customers/{id}": Doc(body=CUSTOMER, example={"name": "Ann B"}, first=(KNOWN,)),
    "DELETE /customers/{id}": Doc(first=(KNOWN,)),
    "GET /disputes": Doc(
        query={
            "payment_id": text(shortest=1),
            "payment_reference": text(50, shortest=1),
            "statuses": text(),
            "limit": whole(1, 250),
            "skip": whole(0, 10_000),
        },
        example={"payment_id": "{id}"},
        first=(PAID,),
    ),
    "GET /disputes/{id}": Doc(first=DISPUTED),
    "POST /disputes/{id}/accept": Doc(summary="Give the money up", first=DISPUTED),
    "PUT /disputes/{id}/evidence": Doc(body=PROOF, example=_PROOF, first=DISPUTED),
    "GET /disputes/{id}/evidence": Doc(first=PROVEN),
    "POST /disputes/{id}/evidence": Doc(summary="Send the evidence to the bank", first=PROVEN),
    "POST /connect/token": Doc(
        summary="An access token for an access key",
        body=struct(
            {"grant_type": text(), "client_id": text(), "client_secret": text(), "scope": text()}, closed=False
        ),
        media_type=FORM,
        example=_CLIENT,
    ),
    "GET /3ds/{session}": Doc(summary="The challenge's page", answers=HTML, first=(CHALLENGED,)),
    "POST /3ds/{session}": Doc(
        summary="The shopper's answer",
        answers=HTML,
        body=struct({"result": choice("complete", "fail", "cancel"), "password": text()}),
        media_type=FORM,
        example={"result": "complete"},
        first=(CHALLENGED,),
    ),
}
DESCRIPTION = Description(security=BEARER, operations=_OPERATIONS)
