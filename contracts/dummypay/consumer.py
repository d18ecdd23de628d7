"""What the gateway needs of Dummypay, call by call (the dialect: simulators/dummypay/README.md)."""

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
    Notification,
    Say,
)
from contracts.kit.shapes import Shape, from_state, text
from contracts.kit.words import ACCOUNT, AUTHORIZED, CAPTURED, approved, refused
from gateway.use_cases.ports import OperationKind

API_KEY = "dp_test_key"
CARD = Card()
CHARGE, CHARGE_LIKE = "ch_1", "ch_[A-Za-z0-9]+"
NETWORK_ID = "123456789012345"
COLLECTIONS: dict[OperationKind, str] = {
    "authorize": "charges",
    "capture": "captures",
    "void": "voids",
    "refund": "refunds",
}
IDS: dict[OperationKind, str] = {"authorize": "ch_", "capture": "cap_", "void": "void_", "refund": "ref_"}


def _headers(kind: OperationKind, *, key: bool = True) -> dict[str, Any]:
    """The key opens the account; a POST carries our operation id as idempotency key."""
    names: dict[str, Any] = {"Authorization": from_state(f"Bearer {API_KEY}", "Bearer ${api_key}", "Bearer .+")}
    if key:
        names["Idempotency-Key"] = OPERATIONS[kind]
    return names


def _authorize(*, capture: bool, **more: Any) -> Ask:
    card = {
        "number": CARD.number,
        "exp_month": CARD.exp_month,
        "exp_year": CARD.exp_year,
        "cvc": CARD.cvc,
        "name": CARD.holder_name,
    }
    body = {
        "amount": AMOUNT,
        "currency": CURRENCY,
        "card": card,
        "capture": capture,
        "reference": OPERATIONS["authorize"],
        "payment": PAYMENT,
        "description": None,
    }
    return Ask("POST", "/v1/charges", _headers("authorize"), body=body | more)


def _operate(kind: OperationKind, **fields: Any) -> Ask:
    verb = "refunds" if kind == "refund" else kind
    path = from_state(f"/v1/charges/{CHARGE}/{verb}", f"/v1/charges/${{payment}}/{verb}", f"/v1/charges/[^/]+/{verb}")
    return Ask("POST", path, _headers(kind), body={"reference": OPERATIONS[kind], **fields})


def _read(kind: OperationKind) -> Ask:
    query = {"reference": OPERATIONS[kind]}
    return Ask("GET", f"/v1/{COLLECTIONS[kind]}", _headers(kind, key=False), query=query)


def _charge(status: str, **fields: Any) -> Shape:
    usual = {"amount": AMOUNT, "currency": CURRENCY, "network_transaction_id": text(NETWORK_ID, "[0-9]+")}
    return {"id": text(CHARGE, CHARGE_LIKE), "status": status, **usual, **fields}


def _operation(kind: OperationKind, amount: int, status: str = "succeeded", **fields: Any) -> Shape:
    prefix = IDS[kind]
    usual = {"id": text(f"{prefix}1", f"{prefix}[A-Za-z0-9]+"), "status": status}
    return {**usual, "amount": amount, "currency": CURRENCY, **fields}


DECLINE = {"code": "51", "message": text("Insufficient funds", ".+")}


def _error(word: str) -> dict[str, Any]:
    return {"error": {"type": word, "message": text("No.", ".+")}}


PROVED = {
    "authentication": {
        "version": words.PROOF.version,
        "eci": words.PROOF.eci,
        "cavv": words.CAVV,
        "ds_transaction_id": words.PROOF.ds_transaction_id,
    }
}

AUTHORIZATIONS = (
    Exchange(
        description="a charge that is approved",
        given=(ACCOUNT,),
        kind="authorize",
        ask=_authorize(capture=True),
        say=Say(200, _charge("captured")),
        outcome=approved(CHARGE, captured=True, network_transaction_id=NETWORK_ID),
    ),
    Exchange(
        description="an authorization without capture",
        given=(ACCOUNT,),
        kind="authorize",
        call={"capture": False},
        ask=_authorize(capture=False),
        say=Say(200, _charge("authorized")),
        outcome=approved(CHARGE, network_transaction_id=NETWORK_ID),
    ),
    Exchange(
        description="a charge whose shopper was authenticated elsewhere",
        given=(ACCOUNT,),
        kind="authorize",
        call={"three_ds": words.PROOF},
        ask=_authorize(capture=True, **PROVED),
        say=Say(200, _charge("captured")),
        outcome=approved(CHARGE, captured=True, network_transaction_id=NETWORK_ID),
    ),
    Exchange(
        description="a charge that the issuer declines",
        given=(ACCOUNT, words.declines("authorize", "51")),
        kind="authorize",
        ask=_authorize(capture=True),
        say=Say(200, {"id": text(CHARGE, CHARGE_LIKE), "status": "declined", **DECLINE}),
        outcome=words.short_of_funds("51", CHARGE, "Insufficient funds"),
    ),
    Exchange(
        description="a charge that is decided later",
        given=(ACCOUNT, words.undecided("authorize")),
        kind="authorize",
        ask=_authorize(capture=True),
        say=Say(200, {"id": text(CHARGE, CHARGE_LIKE), "status": "pending"}),
        outcome=words.pending(CHARGE),
    ),
    Exchange(
        description="a charge under a key that opens nothing",
        given=(words.NO_ACCOUNT,),
        kind="authorize",
        ask=_authorize(capture=True),
        say=Say(401, _error("authentication_failed")),
        outcome=refused("authentication_failed", "No."),
    ),
    Exchange(
        description="a charge while the provider is out of order",
        given=(ACCOUNT, words.out_of_order("authorize")),
        kind="authorize",
        ask=_authorize(capture=True),
        say=Say(500, _error("server_error")),
        outcome=words.OUT_OF_ORDER,
    ),
    Exchange(
        description="one charge too many",
        given=(ACCOUNT, words.too_many("authorize")),
        kind="authorize",
        ask=_authorize(capture=True),
        say=Say(429, _error("rate_limited"), {"Retry-After": text("1", "[0-9]+")}),
        outcome=words.TOO_MANY,
    ),
    Exchange(
        description="a charge under a key that another request has used",
        given=(ACCOUNT, ("a payment is authorized", {"amount": 1})),
        kind="authorize",
        ask=_authorize(capture=True),
        say=Say(409, _error("key_reused")),
        outcome={"kind": "unknown", "cause": "conflict", "message": "key_reused"},
    ),
)

FOLLOWING = (
    Exchange(
        description="a capture of everything",
        given=(ACCOUNT, AUTHORIZED),
        kind="capture",
        call={"parent_reference": CHARGE},
        ask=_operate("capture", amount=AMOUNT, final=True),
        say=Say(200, _operation("capture", AMOUNT)),
        outcome=approved("cap_1", captured=True),
    ),
    Exchange(
        description="a capture of a part, more to come",
        given=(ACCOUNT, AUTHORIZED),
        kind="capture",
        call={"parent_reference": CHARGE, "amount": 1000, "final": False},
        ask=_operate("capture", amount=1000, final=False),
        say=Say(200, _operation("capture", 1000)),
        outcome=approved("cap_1", 1000, captured=True),
    ),
    Exchange(
        description="a capture that the acquirer declines",
        given=(ACCOUNT, AUTHORIZED, words.declines("capture", "51")),
        kind="capture",
        call={"parent_reference": CHARGE},
        ask=_operate("capture", amount=AMOUNT, final=True),
        say=Say(200, {"id": text("cap_1", "cap_[A-Za-z0-9]+"), "status": "declined", **DECLINE}),
        outcome=words.short_of_funds("51", "cap_1", "Insufficient funds"),
    ),
    Exchange(
        description="a void",
        given=(ACCOUNT, AUTHORIZED),
        kind="void",
        call={"parent_reference": CHARGE},
        ask=_operate("void"),
        say=Say(200, _operation("void", AMOUNT)),
        outcome=approved("void_1"),
    ),
    Exchange(
        description="a void of what is captured",
        given=(ACCOUNT, CAPTURED),
        kind="void",
        call={"parent_reference": CHARGE},
        ask=_operate("void"),
        say=Say(409, _error("wrong_state")),
        outcome=refused("wrong_state", "No."),
    ),
    Exchange(
        description="a refund of a part",
        given=(ACCOUNT, CAPTURED),
        kind="refund",
        call={"parent_reference": CHARGE, "amount": 1200},
        ask=_operate("refund", amount=1200),
        say=Say(200, _operation("refund", 1200)),
        outcome=approved("ref_1", 1200),
    ),
    Exchange(
        description="a refund that is decided later",
        given=(ACCOUNT, CAPTURED, words.undecided("refund")),
        kind="refund",
        call={"parent_reference": CHARGE},
        ask=_operate("refund", amount=AMOUNT),
        say=Say(200, {"id": text("ref_1", "ref_[A-Za-z0-9]+"), "status": "pending"}),
        outcome=words.pending("ref_1"),
    ),
    Exchange(
        description="a refund of more than was captured",
        given=(ACCOUNT, CAPTURED),
        kind="refund",
        call={"parent_reference": CHARGE, "amount": AMOUNT + 1},
        ask=_operate("refund", amount=AMOUNT + 1),
        say=Say(400, _error("invalid_request")),
        outcome=refused("invalid_request", "No."),
    ),
)


def _found(kind: OperationKind, *given: Given, body: Shape, outcome: dict[str, Any]) -> Exchange:
    return Exchange(
        description=f"a read of a {kind} by our reference",
        given=(ACCOUNT, *given),
        kind=kind,
        read=True,
        ask=_read(kind),
        say=Say(200, {"data": [body]}),
        outcome=outcome,
    )


def _nothing(kind: OperationKind) -> Exchange:
    return Exchange(
        description=f"a read of a {kind} that never arrived",
        given=(ACCOUNT,),
        kind=kind,
        read=True,
        ask=_read(kind),
        say=Say(200, {"data": []}),
        outcome=words.ABSENT,
    )


READS = (
    _found(
        "authorize",
        CAPTURED,
        body=_charge("captured"),
        outcome=approved(CHARGE, captured=True, network_transaction_id=NETWORK_ID),
    ),
    _found(
        "capture",
        AUTHORIZED,
        words.CAPTURE_SENT,
        body=_operation("capture", AMOUNT),
        outcome=approved("cap_1", captured=True),
    ),
    _found("void", AUTHORIZED, words.VOID_SENT, body=_operation("void", AMOUNT), outcome=approved("void_1")),
    _found("refund", CAPTURED, words.REFUND_SENT, body=_operation("refund", AMOUNT), outcome=approved("ref_1")),
    *(_nothing(kind) for kind in COLLECTIONS),
)


def _event(event_type: str, kind: OperationKind, *given: Given) -> Notification:
    prefix = IDS[kind]
    thing = {"id": text(f"{prefix}1", f"{prefix}[A-Za-z0-9]+"), "reference": OPERATIONS[kind]}
    return Notification(
        description=f"the notification {event_type}",
        given=(ACCOUNT, *given, words.notified_of(event_type)),
        body={"id": text("evt_1", "evt_[A-Za-z0-9]+"), "type": event_type, "data": {"object": thing}},
        headers={"Dummypay-Signature": text("t=1,v1=00", "t=[0-9]+,v1=[0-9a-f]+")},
        facts=((OPERATIONS[kind], f"{prefix}1", None),),
    )


NOTIFICATIONS = (
    _event("charge.captured", "authorize", CAPTURED),
    _event("charge.authorized", "authorize", AUTHORIZED),
    _event("charge.declined", "authorize", words.declines("authorize", "51"), CAPTURED),
    _event("capture.succeeded", "capture", AUTHORIZED, words.CAPTURE_SENT),
    _event("charge.voided", "authorize", AUTHORIZED, words.VOID_SENT),
    _event("refund.succeeded", "refund", CAPTURED, words.REFUND_SENT),
)

CONSUMER = Consumer(
    slug="dummypay",
    credentials={"api_key": API_KEY, "webhook_secret": "dp_whsec_contract"},
    card=CARD,
    exchanges=(*AUTHORIZATIONS, *FOLLOWING, *READS),
    notifications=NOTIFICATIONS,
)
