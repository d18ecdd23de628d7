"""What the gateway needs of Checkout.com, call by call: payments, their actions, and the reads that resolve."""

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
from contracts.kit.shapes import Shape, among, from_state, listed, text
from contracts.kit.words import ACCOUNT, AUTHORIZED, CAPTURED, approved, refused
from gateway.use_cases.ports import OperationKind

API_KEY = "sk_sbox_contract"
CHANNEL = "pc_contract"
CARD = Card(cvc="100")
PAY, PAY_LIKE = "pay_1", "pay_[a-z0-9]+"
ACT, ACT_LIKE = "act_1", "act_[a-z0-9]+"
SCHEME_ID = "123456789012345"
SUMMARY = "Insufficient funds"
REDIRECT = "https://acs.example/"
PATHS: dict[OperationKind, str] = {"capture": "captures", "void": "voids", "refund": "refunds"}
SHORT_OF_FUNDS = words.declines("authorize", "20051")


def _headers(kind: OperationKind, *, key: bool = True) -> dict[str, Any]:
    """The key opens the account; a POST carries our operation id as idempotency key."""
    names: dict[str, Any] = {"Authorization": from_state(f"Bearer {API_KEY}", "Bearer ${api_key}", "Bearer .+")}
    return names | ({"Cko-Idempotency-Key": OPERATIONS[kind]} if key else {})


def _authorize(*, capture: bool, **more: Any) -> Ask:
    source = {
        "type": "card",
        "number": CARD.number,
        "expiry_month": CARD.exp_month,
        "expiry_year": CARD.exp_year,
        "cvv": CARD.cvc,
        "name": CARD.holder_name,
    }
    body = {
        "source": source,
        "amount": AMOUNT,
        "currency": CURRENCY,
        "capture": capture,
        "reference": OPERATIONS["authorize"],
        "processing_channel_id": from_state(CHANNEL, "${processing_channel_id}", "pc_.+"),
        "metadata": {"payera_payment": PAYMENT},
    }
    return Ask("POST", "/payments", _headers("authorize"), body=body | more)


def _at(rest: str) -> Shape:
    return from_state(f"/payments/{PAY}{rest}", f"/payments/${{payment}}{rest}", f"/payments/[^/]+{rest}")


def _act(kind: OperationKind, amount: int = AMOUNT, *, final: bool = True) -> Ask:
    body: Json = {"reference": OPERATIONS[kind], "metadata": {"payera_payment": PAYMENT}}
    if kind != "void":
        body["amount"] = amount
    if kind == "capture":
        body["capture_type"] = "Final" if final else "NonFinal"
    return Ask("POST", _at(f"/{PATHS[kind]}"), _headers(kind), body=body)


def _find() -> Ask:
    query = {"reference": OPERATIONS["authorize"], "limit": "10"}
    return Ask("GET", "/payments", _headers("authorize", key=False), query)


def _actions(kind: OperationKind, path: Shape | None = None) -> Ask:
    return Ask("GET", path or _at("/actions"), _headers(kind, key=False))


def _payment(status: str, **fields: Any) -> Shape:
    return {"id": text(PAY, PAY_LIKE), "status": status, **fields}


def _standing(status: str, **fields: Any) -> Shape:
    usual = {"amount": AMOUNT, "currency": CURRENCY, "scheme_id": text(SCHEME_ID, "[0-9A-Za-z]+")}
    return _payment(status, **usual, **fields)


def _done(kind: OperationKind, amount: int = AMOUNT) -> Shape:
    return {"id": text(ACT, ACT_LIKE), "approved": True, "amount": amount, "reference": OPERATIONS[kind]}


DECLINE = {"response_code": "20051", "response_summary": text(SUMMARY, ".+")}

PROVED: Json = {
    "3ds": {
        "enabled": True,
        "eci": words.PROOF.eci,
        "cryptogram": words.CAVV,
        "xid": words.PROOF.ds_transaction_id,
        "version": words.PROOF.version,
    }
}

AUTHORIZATIONS = (
    Exchange(
        description="a payment that is captured by itself",
        given=(ACCOUNT,),
        kind="authorize",
        ask=_authorize(capture=True),
        say=Say(201, _standing("Authorized")),
        outcome=approved(PAY, captured=True, network_transaction_id=SCHEME_ID),
    ),
    Exchange(
        description="a payment whose shopper was authenticated elsewhere",
        given=(ACCOUNT,),
        kind="authorize",
        call={"three_ds": words.PROOF},
        ask=_authorize(capture=True, **PROVED),
        say=Say(201, _standing("Authorized")),
        outcome=approved(PAY, captured=True, network_transaction_id=SCHEME_ID),
    ),
    Exchange(
        description="a payment that is only authorized",
        given=(ACCOUNT,),
        kind="authorize",
        call={"capture": False},
        ask=_authorize(capture=False),
        say=Say(201, _standing("Authorized")),
        outcome=approved(PAY, network_transaction_id=SCHEME_ID),
    ),
    Exchange(
        description="a payment that the issuer declines",
        given=(ACCOUNT, SHORT_OF_FUNDS),
        kind="authorize",
        ask=_authorize(capture=True),
        say=Say(201, _payment("Declined", approved=False, **DECLINE)),
        outcome=words.short_of_funds("20051", PAY, SUMMARY),
    ),
    Exchange(
        description="a payment that is decided later",
        given=(ACCOUNT, words.undecided("authorize")),
        kind="authorize",
        ask=_authorize(capture=True),
        say=Say(202, _payment("Pending")),
        outcome=words.pending(PAY),
    ),
    Exchange(
        description="a payment that needs the shopper",
        given=(ACCOUNT, ("the issuer wants a challenge", {})),
        kind="authorize",
        ask=_authorize(capture=True),
        say=Say(202, _payment("Pending", _links={"redirect": {"href": text(REDIRECT, "https?://.+")}})),
        outcome={
            "kind": "action_required",
            "provider_reference": PAY,
            "action": {"type": "redirect", "url": REDIRECT},
        },
    ),
    Exchange(
        description="a payment under a key that opens nothing",
        given=(words.NO_ACCOUNT,),
        kind="authorize",
        ask=_authorize(capture=True),
        say=Say(401),
        outcome=refused("http_401"),
    ),
    Exchange(
        description="a payment while Checkout.com is out of order",
        given=(ACCOUNT, words.out_of_order("authorize")),
        kind="authorize",
        ask=_authorize(capture=True),
        say=Say(500),
        outcome=words.OUT_OF_ORDER,
    ),
    Exchange(
        description="one payment too many",
        given=(ACCOUNT, words.too_many("authorize")),
        kind="authorize",
        ask=_authorize(capture=True),
        say=Say(429),
        outcome=words.TOO_MANY,
    ),
)


def _accepted(description: str, kind: OperationKind, *given: Given, **call: Any) -> Exchange:
    return Exchange(
        description=description,
        given=(ACCOUNT, *given),
        kind=kind,
        call={"parent_reference": PAY, **call},
        ask=_act(kind, call.get("amount", AMOUNT), final=call.get("final", True)),
        say=Say(202, {"action_id": text(ACT, ACT_LIKE)}),
        outcome=words.pending(ACT),
    )


FOLLOWING = (
    _accepted("a capture of everything", "capture", AUTHORIZED),
    _accepted("a capture of a part, more to come", "capture", AUTHORIZED, amount=1000, final=False),
    _accepted("a void", "void", AUTHORIZED),
    _accepted("a refund of a part", "refund", CAPTURED, amount=1200),
    Exchange(
        description="a void of what is captured",
        given=(ACCOUNT, CAPTURED),
        kind="void",
        call={"parent_reference": PAY},
        ask=_act("void"),
        say=Say(403),
        outcome=refused("http_403"),
    ),
    Exchange(
        description="a refund of more than was captured",
        given=(ACCOUNT, CAPTURED),
        kind="refund",
        call={"parent_reference": PAY, "amount": AMOUNT + 1},
        ask=_act("refund", AMOUNT + 1),
        say=Say(422, {"error_codes": ["refund_amount_exceeds_balance"]}),
        outcome=refused("refund_amount_exceeds_balance", "refund_amount_exceeds_balance"),
    ),
)


def _action_read(kind: OperationKind, *given: Given) -> Exchange:
    return Exchange(
        description=f"the actions of a payment, our {kind} among them",
        given=(ACCOUNT, *given, words.TIME_PASSES),
        kind=kind,
        read=True,
        call={"parent_reference": PAY},
        ask=_actions(kind),
        say=Say(200, among(_done(kind))),
        outcome=approved(ACT, captured=kind == "capture"),
    )


def _action_absent(kind: OperationKind, *given: Given) -> Exchange:
    return Exchange(
        description=f"the actions of a payment without our {kind}",
        given=(ACCOUNT, *given, words.TIME_PASSES),
        kind=kind,
        read=True,
        call={"parent_reference": PAY},
        ask=_actions(kind),
        say=Say(200, listed({"id": text(ACT, ACT_LIKE), "reference": OPERATIONS["authorize"]})),
        outcome=words.ABSENT,
    )


READS = (
    Exchange(
        description="the payments with our reference",
        given=(ACCOUNT, AUTHORIZED, words.TIME_PASSES),
        kind="authorize",
        read=True,
        call={"capture": False},
        ask=_find(),
        say=Say(
            200,
            {"data": [_standing("Authorized", approved=True, reference=OPERATIONS["authorize"])]},
        ),
        outcome=approved(PAY, network_transaction_id=SCHEME_ID),
    ),
    Exchange(
        description="no payment with our reference",
        given=(ACCOUNT,),
        kind="authorize",
        read=True,
        ask=_find(),
        say=Say(200, {"data": []}),
        outcome=words.ABSENT,
    ),
    Exchange(
        description="a payment by its id",
        given=(ACCOUNT, AUTHORIZED),
        kind="authorize",
        read=True,
        call={"capture": False, "provider_reference": PAY},
        ask=Ask("GET", _at(""), _headers("authorize", key=False)),
        say=Say(200, _standing("Authorized")),
        outcome=approved(PAY, network_transaction_id=SCHEME_ID),
    ),
    Exchange(
        description="a declined payment by its id",
        given=(ACCOUNT, SHORT_OF_FUNDS, AUTHORIZED, words.TIME_PASSES),
        kind="authorize",
        read=True,
        call={"provider_reference": PAY},
        ask=Ask(
            "GET",
            from_state(f"/payments/{PAY}", "/payments/${parent}", "/payments/[^/]+"),
            _headers("authorize", key=False),
        ),
        say=Say(200, _payment("Declined")),
        then=(
            (
                "the actions of a declined payment",
                _actions(
                    "authorize",
                    from_state(f"/payments/{PAY}/actions", "/payments/${parent}/actions", "/payments/[^/]+/actions"),
                ),
                Say(200, [{"type": "Authorization", **DECLINE}]),
            ),
        ),
        outcome=words.short_of_funds("20051", PAY, SUMMARY),
    ),
    _action_read("capture", AUTHORIZED, words.CAPTURE_SENT),
    _action_read("void", AUTHORIZED, words.VOID_SENT),
    _action_read("refund", CAPTURED, words.REFUND_SENT),
    _action_absent("capture", AUTHORIZED),
    _action_absent("void", AUTHORIZED),
    _action_absent("refund", CAPTURED),
)


def _event(event_type: str, kind: OperationKind, *given: Given) -> Notification:
    data: Json = {"id": text(PAY, PAY_LIKE), "reference": OPERATIONS[kind]}
    if kind != "authorize":
        data["action_id"] = text(ACT, ACT_LIKE)
    return Notification(
        description=f"the event {event_type}",
        given=(ACCOUNT, *given, words.notified_of(event_type)),
        body={"id": text("evt_1", "evt_[a-z0-9]+"), "type": event_type, "data": data},
        headers={"Cko-Signature": text("00", "[0-9a-f]+")},
        facts=((OPERATIONS[kind], PAY if kind == "authorize" else ACT, None),),
    )


NOTIFICATIONS = (
    _event("payment_approved", "authorize", AUTHORIZED),
    _event("payment_declined", "authorize", SHORT_OF_FUNDS, AUTHORIZED),
    _event("payment_captured", "capture", AUTHORIZED, words.CAPTURE_SENT),
    _event("payment_voided", "void", AUTHORIZED, words.VOID_SENT),
    _event("payment_refunded", "refund", CAPTURED, words.REFUND_SENT),
    _event("payment_capture_declined", "capture", AUTHORIZED, words.declines("capture", "20051"), words.CAPTURE_SENT),
    _event("payment_refund_declined", "refund", CAPTURED, words.declines("refund", "20051"), words.REFUND_SENT),
)

CONSUMER = Consumer(
    slug="checkout",
    credentials={"api_key": API_KEY, "webhook_secret": "contract"},
    settings={"processing_channel_id": CHANNEL},
    card=CARD,
    exchanges=(*AUTHORIZATIONS, *FOLLOWING, *READS),
    notifications=NOTIFICATIONS,
)
