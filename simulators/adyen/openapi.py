"""Adyen's operations for the kit's OpenAPI document: schemas from the tables of `fields`, and one example of each."""

from typing import Any

from simulators.adyen import fields
from simulators.adyen.fields import Kind, Struct
from simulators.adyen.routes import VERSIONS
from simulators.kit.openapi import FORM, HTML, Description, Doc, Step, api_key

Json = dict[str, Any]
_SIMPLE: dict[str, Json] = {
    "string": {"type": "string"},
    "integer": {"type": "integer", "minimum": -(10**12), "maximum": 10**12},
    "boolean": {"type": "boolean"},
    "map": {"type": "object", "additionalProperties": {"type": "string"}},
    "array": {"type": "array"},
    "any": {},
}
CARD: Json = {
    "type": "scheme",
    "number": "4111111111111111",
    "expiryMonth": "03",
    "expiryYear": "2030",
    "cvc": "737",
    "holderName": "J. Smith",
}
AMOUNT: Json = {"currency": "EUR", "value": 4200}
TEXT: Json = {"type": "string", "minLength": 1}


def schema_of(kind: Kind) -> Json:
    """JSON Schema of what a field accepts."""
    if isinstance(kind, Struct):
        properties = {name: schema_of(one) for name, one in kind.fields.items()}
        if "paymentMethod" in properties:
            properties["paymentMethod"] = schema_of(fields.CARD)
        found: Json = {"type": "object", "properties": properties, "additionalProperties": False}
        return {**found, "required": list(kind.required)} if kind.required else found
    if isinstance(kind, list):
        return {"type": "array", "items": schema_of(kind[0])}
    if isinstance(kind, tuple):
        return {"type": "string", "enum": list(kind)}
    return _SIMPLE[kind]


def _body(**more: Any) -> Json:
    return {"merchantAccount": "{merchant_account}", **more}


def _pay(**more: Any) -> Json:
    back = "https://shop.example/return"
    return _body(amount=AMOUNT, reference="order-1", returnUrl=back, paymentMethod=CARD, **more)


def _for(version: str) -> dict[str, Doc]:
    """The operations below one version's path."""
    base = f"/{version}"
    payment = f"{base}/payments/{{paymentPspReference}}"
    psp = {"paymentPspReference": "pspReference"}
    held = Step(f"POST {base}/payments", _pay(additionalData={"manualCapture": "true"}), psp)
    paid = Step(f"POST {base}/payments", _pay(), psp)
    shopper = {"merchantAccount": "{merchant_account}", "shopperReference": "shopper-1"}
    keep = _body(shopperReference="shopper-1", paymentMethod=CARD, recurringProcessingModel="CardOnFile")
    kept = Step(f"POST {base}/storedPaymentMethods", keep, {"storedPaymentMethodId": "id"})
    secured = {"attemptAuthentication": "always", "threeDSRequestData": {"nativeThreeDS": "preferred"}}
    challenged = Step(f"POST {base}/payments", _pay(authenticationData=secured), {"continuation": "action.paymentData"})
    query = {"merchantAccount": TEXT, "shopperReference": TEXT}

    def doc(struct: Struct, example: Json, summary: str, *first: Step) -> Doc:
        # One version describes the bodies: the other has the same, and readers (and fuzzers) need them once.
        body = schema_of(struct) if version == VERSIONS[0] else {"type": "object"}
        return Doc(body=body, example=example, summary=summary, first=first)

    return {
        f"POST {base}/payments": doc(fields.PAYMENT, _pay(), "Authorise a payment"),
        f"POST {base}/payments/details": doc(
            fields.DETAILS,
            {"details": {"threeDSResult": "eyJ0aHJlZURTQ29tcEluZCI6IlkifQ=="}, "paymentData": "{continuation}"},
            "Go on after the shopper has acted",
            challenged,
        ),
        f"POST {payment}/captures": doc(fields.CAPTURE, _body(amount=AMOUNT), "Capture", held),
        f"POST {payment}/cancels": doc(fields.CANCEL, _body(), "Cancel by pspReference", held),
        f"POST {payment}/refunds": doc(fields.REFUND, _body(amount=AMOUNT), "Refund", paid),
        f"POST {payment}/reversals": doc(fields.REVERSAL, _body(), "Cancel or refund", paid),
        f"POST {payment}/amountUpdates": doc(
            fields.UPDATE, _body(amount={**AMOUNT, "value": 5000}), "Change the authorised amount", held
        ),
        f"POST {base}/cancels": doc(
            fields.TECHNICAL_CANCEL, _body(paymentReference="order-1"), "Cancel by the merchant's reference", held
        ),
        f"POST {base}/sessions": doc(fields.SESSION, _session(), "Begin a session"),
        f"GET {base}/sessions/{{sessionId}}": Doc(
            query={"sessionResult": TEXT},
            example={"sessionResult": "{sessionResult}"},
            summary="What became of a session",
            first=(Step(f"POST {base}/sessions", _session(), {"sessionId": "id", "sessionResult": "sessionData"}),),
        ),
        f"POST {base}/paymentMethods": doc(fields.METHODS, _body(), "What can be paid with"),
        f"POST {base}/cardDetails": doc(fields.CARD_DETAILS, _body(cardNumber="411111"), "The brands of a number"),
        f"GET {base}/storedPaymentMethods": Doc(query=query, example=shopper, summary="A shopper's cards"),
        f"POST {base}/storedPaymentMethods": doc(fields.STORE, keep, "Keep a card"),
        f"DELETE {base}/storedPaymentMethods/{{storedPaymentMethodId}}": Doc(
            query=query, example=shopper, summary="Forget a card", first=(kept,)
        ),
    }


def _session() -> Json:
    return _body(amount=AMOUNT, reference="order-1", returnUrl="https://shop.example/return", mode="hosted")


def _pages() -> dict[str, Doc]:
    """Where the shopper goes."""
    card = {**CARD, "number": "4212345678901237"}
    waiting = Step("POST /v71/payments", _pay() | {"paymentMethod": card}, {"id": "pspReference"})
    form = schema_of(Struct("Form", {"password": "string", "result": ("submit", "cancel")}))
    leave = "they send the shopper back to the shop: a redirect is the only good answer"
    shown = Doc(answers=HTML, first=(waiting,))
    typed = {"body": form, "media_type": FORM, "answers": HTML, "first": (waiting,)}
    example = {"password": "password", "result": "submit"}
    return {
        "GET /simulator/redirect/{id}": shown,
        "POST /simulator/redirect/{id}": Doc(**typed, example=example, refuses=leave),  # type: ignore[arg-type] # keywords shared by two
        "GET /simulator/challenge/{id}": shown,
        "POST /simulator/challenge/{id}": Doc(**typed, example=example),  # type: ignore[arg-type] # the same
        "GET /simulator/method/{id}": shown,
        "POST /simulator/method/{id}": Doc(**typed, example={}),  # type: ignore[arg-type] # the same
    }


DESCRIPTION = Description(
    security=api_key("X-API-Key"),
    operations={key: doc for version in VERSIONS for key, doc in _for(version).items()} | _pages(),
)
