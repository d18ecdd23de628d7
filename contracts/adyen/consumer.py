"""What the gateway needs of Adyen, call by call: payments, modifications, and the notifications that are the truth."""

from typing import Any

from contracts.kit import words
from contracts.kit.consumer import (
    AMOUNT,
    CURRENCY,
    OPERATIONS,
    PAYMENT,
    Ask,
    Card,
    Consumer,
    Exchange,
    Given,
    Json,
    Notification,
    Say,
)
from contracts.kit.shapes import Shape, from_state, text
from contracts.kit.words import ACCOUNT, AUTHORIZED, CAPTURED, approved, refused
from gateway.use_cases.ports import OperationKind

API_KEY = "AQEcontract"
MERCHANT = "ContractECOM"
CARD = Card(number="4111111111111111", exp_month=3)
PSP, PSP_LIKE = "NC6HT9CRT65ZGN82", "[A-Z0-9]{16}"
NETWORK_ID = "123456789012345"
MESSAGE = "Not now."
ENOUGH = "Not enough balance"
PATHS: dict[OperationKind, str] = {"capture": "captures", "void": "cancels", "refund": "refunds"}
EVENTS: dict[OperationKind, str] = {
    "authorize": "AUTHORISATION",
    "capture": "CAPTURE",
    "void": "CANCELLATION",
    "refund": "REFUND",
}
SHORT_OF_FUNDS = words.declines("authorize", "NOT_ENOUGH_BALANCE")


def _headers(kind: OperationKind) -> dict[str, Any]:
    """The key opens the account; our operation id is the idempotency key."""
    return {"X-API-Key": from_state(API_KEY, "${api_key}", ".+"), "Idempotency-Key": OPERATIONS[kind]}


def _money(value: int = AMOUNT) -> Json:
    return {"currency": CURRENCY, "value": value}


def _addressed(kind: OperationKind) -> Json:
    return {"merchantAccount": from_state(MERCHANT, "${merchant_account}", ".+"), "reference": OPERATIONS[kind]}


def _authorize(*, capture: bool, **more: Any) -> Ask:
    method = {
        "type": "scheme",
        "number": CARD.number,
        "expiryMonth": f"{CARD.exp_month:02d}",
        "expiryYear": str(CARD.exp_year),
        "cvc": CARD.cvc,
        "holderName": CARD.holder_name,
    }
    body = _addressed("authorize") | {
        "amount": _money(),
        "returnUrl": text("https://shop.example/return", "https?://.+"),
        "paymentMethod": method,
        "shopperInteraction": "Ecommerce",
        "metadata": {"payera_payment": PAYMENT},
    }
    body |= {"captureDelayHours": 0} if capture else {"additionalData": {"manualCapture": "true"}}
    return Ask("POST", "/v71/payments", _headers("authorize"), body=body | more)


def _modify(kind: OperationKind, amount: int = AMOUNT) -> Ask:
    rest = PATHS[kind]
    path = from_state(
        f"/v71/payments/{PSP}/{rest}", f"/v71/payments/${{payment}}/{rest}", f"/v71/payments/[^/]+/{rest}"
    )
    body = _addressed(kind) | ({} if kind == "void" else {"amount": _money(amount)})
    return Ask("POST", path, _headers(kind), body=body)


def _result(code: str, **fields: Any) -> Shape:
    return {"resultCode": code, "pspReference": text(PSP, PSP_LIKE), **fields}


def _error(code: str, kind: str, **fields: Any) -> Shape:
    return {"errorCode": code, "errorType": kind, "message": text(MESSAGE, ".+"), **fields}


APPROVAL = _result("Authorised", amount=_money(), additionalData={"networkTxReference": text(NETWORK_ID, "[0-9]+")})
RECEIVED = {"pspReference": text(PSP, PSP_LIKE)}

PROVED = {
    "mpiData": {
        "threeDSVersion": words.PROOF.version,
        "eci": words.PROOF.eci,
        "cavv": words.CAVV,
        "dsTransID": words.PROOF.ds_transaction_id,
        "directoryResponse": "Y",
        "authenticationResponse": "Y",
    }
}

AUTHORIZATIONS = (
    Exchange(
        description="a payment that is captured at once",
        given=(ACCOUNT,),
        kind="authorize",
        ask=_authorize(capture=True),
        say=Say(200, APPROVAL),
        outcome=approved(PSP, captured=True, network_transaction_id=NETWORK_ID),
    ),
    Exchange(
        description="a payment whose shopper was authenticated elsewhere",
        given=(ACCOUNT,),
        kind="authorize",
        call={"three_ds": words.PROOF},
        ask=_authorize(capture=True, **PROVED),
        say=Say(200, APPROVAL),
        outcome=approved(PSP, captured=True, network_transaction_id=NETWORK_ID),
    ),
    Exchange(
        description="a payment that is only authorised",
        given=(ACCOUNT,),
        kind="authorize",
        call={"capture": False},
        ask=_authorize(capture=False),
        say=Say(200, APPROVAL),
        outcome=approved(PSP, network_transaction_id=NETWORK_ID),
    ),
    Exchange(
        description="a payment that the issuer refuses",
        given=(ACCOUNT, SHORT_OF_FUNDS),
        kind="authorize",
        ask=_authorize(capture=True),
        say=Say(
            200,
            _result(
                "Refused",
                refusalReason=ENOUGH,
                refusalReasonCode="12",
                additionalData={"refusalReasonRaw": text("51 : No funds", "51 : .+")},
            ),
        ),
        outcome=words.short_of_funds("12", PSP, ENOUGH),
    ),
    Exchange(
        description="a payment that is decided later",
        given=(ACCOUNT, words.undecided("authorize")),
        kind="authorize",
        ask=_authorize(capture=True),
        say=Say(200, _result("Received")),
        outcome=words.pending(PSP),
    ),
    Exchange(
        description="a payment that needs the shopper",
        given=(ACCOUNT, ("the issuer redirects", {})),
        kind="authorize",
        ask=_authorize(capture=True),
        say=Say(
            200,
            _result(
                "RedirectShopper",
                action={"type": "redirect", "url": text("https://acs.example/", "https?://.+"), "method": "GET"},
            ),
        ),
        outcome={
            "kind": "action_required",
            "provider_reference": PSP,
            "action": {"type": "redirect", "url": "https://acs.example/", "method": "GET"},
        },
    ),
    Exchange(
        description="a payment under a key that opens nothing",
        given=(words.NO_ACCOUNT,),
        kind="authorize",
        ask=_authorize(capture=True),
        say=Say(401, _error("000", "security")),
        outcome=refused("000", MESSAGE),
    ),
    Exchange(
        description="a payment while Adyen is out of order",
        given=(ACCOUNT, words.out_of_order("authorize")),
        kind="authorize",
        ask=_authorize(capture=True),
        say=Say(500, _error("000", "internal")),
        outcome=words.OUT_OF_ORDER,
    ),
    Exchange(
        description="one payment too many",
        given=(ACCOUNT, words.too_many("authorize")),
        kind="authorize",
        ask=_authorize(capture=True),
        say=Say(429, _error("000", "internal"), {"transient-error": "true"}),
        outcome=words.TOO_MANY,
    ),
    Exchange(
        description="a payment whose key is under way",
        given=(ACCOUNT, ("an earlier one is under way", {"operation": "authorize"})),
        kind="authorize",
        ask=_authorize(capture=True),
        say=Say(422, _error("704", "validation"), {"transient-error": "true"}),
        outcome={"kind": "unknown", "cause": "in_progress", "message": "transient-error"},
    ),
)


def _modification(description: str, kind: OperationKind, *given: Given, **call: Any) -> Exchange:
    return Exchange(
        description=description,
        given=(ACCOUNT, *given),
        kind=kind,
        call={"parent_reference": PSP, **call},
        ask=_modify(kind, call.get("amount", AMOUNT)),
        say=Say(201, RECEIVED),
        outcome=words.pending(PSP),
    )


FOLLOWING = (
    _modification("a capture of everything", "capture", AUTHORIZED),
    _modification("a capture of a part, more to come", "capture", AUTHORIZED, amount=1000, final=False),
    _modification("a cancel of an authorisation", "void", AUTHORIZED),
    _modification("a refund of a part", "refund", CAPTURED, amount=1200),
    Exchange(
        description="a refund of a payment that is not there",
        given=(ACCOUNT,),
        kind="refund",
        call={"parent_reference": PSP},
        ask=Ask("POST", f"/v71/payments/{PSP}/refunds", _headers("refund"), body=_modify("refund").body),
        say=Say(422, _error("167", "validation", pspReference=text(PSP, PSP_LIKE))),
        outcome=refused("167", MESSAGE, provider_reference=PSP),
    ),
    Exchange(
        description="a capture while Adyen is out of order",
        given=(ACCOUNT, AUTHORIZED, words.out_of_order("capture")),
        kind="capture",
        call={"parent_reference": PSP},
        ask=_modify("capture"),
        say=Say(500, _error("000", "internal")),
        outcome=words.OUT_OF_ORDER,
    ),
)


def _event(
    description: str,
    kind: OperationKind,
    *given: Given,
    told: Json,
    code: str | None = None,
    more: Json | None = None,
    **fields: Any,
) -> Notification:
    """One item: the eight signed fields, what the outcome is made of, and the signature."""
    event = code or EVENTS[kind]
    signature = {"hmacSignature": text("AAAA", "[A-Za-z0-9+/]{43}=")}
    original = {} if kind == "authorize" else {"originalReference": text(PSP, PSP_LIKE)}
    item = {
        "eventCode": event,
        "pspReference": text(PSP, PSP_LIKE),
        **original,
        "merchantAccountCode": text(MERCHANT, "[A-Za-z0-9]+"),
        "merchantReference": OPERATIONS[kind],
        "amount": _money(fields.pop("amount", AMOUNT)),
        "success": "true",
        "additionalData": signature | (more or {}),
        **fields,
    }
    # The example has no signature yet that could fit; the consumer's side signs it before the connector sees it.
    return Notification(
        description=description,
        given=(ACCOUNT, *given, words.notified_of(event)),
        body={"live": "false", "notificationItems": [{"NotificationRequestItem": item}]},
        headers={},
        facts=((OPERATIONS[kind], PSP, told),),
    )


def _impossible(code: str, message: str) -> Json:
    return refused(code, message, provider_reference=PSP)


def _undone(code: str) -> Json:
    """What was confirmed and failed afterwards."""
    words = {"kind": "reversed", "reason": "generic_decline", "provider_code": code}
    return words | {"provider_reference": PSP, "message": MESSAGE}


NETWORK = {"networkTxReference": text(NETWORK_ID, "[0-9]+")}
NOTIFICATIONS = (
    _event(
        "the notification of an authorised payment",
        "authorize",
        AUTHORIZED,
        more=NETWORK,
        told=approved(PSP, network_transaction_id=NETWORK_ID),
    ),
    _event(
        "the notification of a refused payment",
        "authorize",
        SHORT_OF_FUNDS,
        AUTHORIZED,
        success="false",
        reason=ENOUGH,
        more={"refusalReasonRaw": text("51 : No funds", "51 : .+")},
        told=words.short_of_funds("12", PSP, ENOUGH),
    ),
    _event(
        "the notification of a capture", "capture", AUTHORIZED, words.CAPTURE_SENT, told=approved(PSP, captured=True)
    ),
    _event(
        "the notification of a capture that was not possible",
        "capture",
        AUTHORIZED,
        ("a capture was sent", {"amount": AMOUNT + 1}),
        amount=AMOUNT + 1,
        success="false",
        reason=text(MESSAGE, ".+"),
        told=_impossible("CAPTURE", MESSAGE),
    ),
    _event(
        "the notification of a capture that failed later",
        "capture",
        AUTHORIZED,
        words.CAPTURE_SENT,
        ("it fails later", {}),
        code="CAPTURE_FAILED",
        reason=text(MESSAGE, ".+"),
        told=_undone("CAPTURE_FAILED"),
    ),
    _event("the notification of a cancel", "void", AUTHORIZED, words.VOID_SENT, told=approved(PSP)),
    _event("the notification of a refund", "refund", CAPTURED, words.REFUND_SENT, told=approved(PSP)),
    _event(
        "the notification of a refund that failed later",
        "refund",
        CAPTURED,
        words.REFUND_SENT,
        ("it fails later", {}),
        code="REFUND_FAILED",
        reason=text(MESSAGE, ".+"),
        told=_undone("REFUND_FAILED"),
    ),
)

CONSUMER = Consumer(
    slug="adyen",
    credentials={"api_key": API_KEY, "webhook_secret": "0123456789ABCDEF" * 4},
    settings={"merchant_account": MERCHANT},
    card=CARD,
    exchanges=(*AUTHORIZATIONS, *FOLLOWING),
    notifications=NOTIFICATIONS,
)
