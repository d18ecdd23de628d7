"""What the connector sends to Stripe, and what Stripe answers: form bodies in, payment intents and refunds out."""

from typing import Any

from contracts.kit import words
from contracts.kit.consumer import AMOUNT, OPERATIONS, PAYMENT, Ask, Card, Exchange, Say
from contracts.kit.shapes import Shape, from_state, like, text
from contracts.kit.words import ACCOUNT, AUTHORIZED, CAPTURED, approved, refused
from gateway.connectors.stripe.wire import API_VERSION
from gateway.use_cases.ports import OperationKind

API_KEY = "sk_test_contract"
CARD = Card()
INTENT, REFUND, CHARGE = "pi_1", "re_1", "ch_1"
INTENT_LIKE, REFUND_LIKE, CHARGE_LIKE = "pi_[A-Za-z0-9]+", "re_[A-Za-z0-9]+", "ch_[A-Za-z0-9]+"
NETWORK_ID = "123456789012345"
NETWORK = {"payment_method_details": {"card": {"network_transaction_id": text(NETWORK_ID, "[A-Za-z0-9]+")}}}
MESSAGE = "Not now."


def headers(kind: OperationKind, *, key: bool = True) -> dict[str, Any]:
    """The key opens the account; the version is pinned; a POST carries our operation id as idempotency key."""
    names: dict[str, Any] = {
        "Authorization": from_state(f"Bearer {API_KEY}", "Bearer ${api_key}", "Bearer .+"),
        "Stripe-Version": API_VERSION,
    }
    if key:
        names["Idempotency-Key"] = OPERATIONS[kind]
    return names


def intent_path(rest: str = "") -> Shape:
    base = "/v1/payment_intents/"
    return from_state(f"{base}{INTENT}{rest}", f"{base}${{payment}}{rest}", f"{base}[^/]+{rest}")


def _authorize(*, capture: bool, **more: str) -> Ask:
    form = {
        "amount": str(AMOUNT),
        "currency": "eur",
        "confirm": "true",
        "capture_method": "automatic" if capture else "manual",
        "payment_method_types[0]": "card",
        "payment_method_data[type]": "card",
        "payment_method_data[card][number]": CARD.number,
        "payment_method_data[card][exp_month]": str(CARD.exp_month),
        "payment_method_data[card][exp_year]": str(CARD.exp_year),
        "payment_method_data[card][cvc]": CARD.cvc,
        "payment_method_data[billing_details][name]": CARD.holder_name,
        "metadata[payera_operation]": OPERATIONS["authorize"],
        "metadata[payera_payment]": PAYMENT,
        "expand[0]": "latest_charge",
    }
    if not capture:
        form["payment_method_options[card][request_multicapture]"] = "if_available"
    return Ask("POST", "/v1/payment_intents", headers("authorize"), form=form | more)


def _capture(amount: int = AMOUNT, *, final: bool = True) -> Ask:
    mark = {f"metadata[{OPERATIONS['capture']}]": str(amount)}
    form = {"amount_to_capture": str(amount), **mark, "expand[0]": "latest_charge"}
    form |= {} if final else {"final_capture": "false"}
    return Ask("POST", intent_path("/capture"), headers("capture"), form=form)


def _void() -> Ask:
    form = {"cancellation_reason": "requested_by_customer"}
    return Ask("POST", intent_path("/cancel"), headers("void"), form=form)


def _refund(amount: int) -> Ask:
    form = {
        "payment_intent": from_state(INTENT, "${payment}", INTENT_LIKE),
        "amount": str(amount),
        "metadata[payera_operation]": OPERATIONS["refund"],
        "metadata[payera_payment]": PAYMENT,
    }
    return Ask("POST", "/v1/refunds", headers("refund"), form=form)


def intent(status: str, **fields: Any) -> Shape:
    return {"id": text(INTENT, INTENT_LIKE), "status": status, **fields}


def charged(status: str, received: int, **fields: Any) -> Shape:
    """An intent with its charge."""
    amounts = {"amount": AMOUNT} if status == "requires_capture" else {"amount_received": received}
    return intent(status, currency="eur", latest_charge=NETWORK, **amounts, **fields)


def marked(amount: int) -> Shape:
    """An intent with the mark of our capture."""
    mark = {OPERATIONS["capture"]: str(amount)}
    charge = {"id": text(CHARGE, CHARGE_LIKE)}
    return {"currency": "eur", "amount_received": amount, "metadata": mark, "latest_charge": charge}


def refunded(amount: int, status: str = "succeeded") -> Shape:
    return {"id": text(REFUND, REFUND_LIKE), "status": status, "currency": "eur", "amount": amount}


def _error(kind: str, code: str | None = None, **fields: Any) -> Shape:
    named = {} if code is None else {"code": code}
    return {"error": {"type": kind, **named, "message": text(MESSAGE, ".+"), **fields}}


SHORT_OF_FUNDS = words.declines("authorize", "insufficient_funds")

_PROOF = "payment_method_options[card][three_d_secure]"
PROVED = {
    f"{_PROOF}[version]": words.PROOF.version,
    f"{_PROOF}[electronic_commerce_indicator]": words.PROOF.eci,
    f"{_PROOF}[cryptogram]": words.CAVV,
    f"{_PROOF}[transaction_id]": words.PROOF.ds_transaction_id,
}

AUTHORIZATIONS = (
    Exchange(
        description="a payment intent that is captured at once",
        given=(ACCOUNT,),
        kind="authorize",
        ask=_authorize(capture=True),
        say=Say(200, charged("succeeded", AMOUNT)),
        outcome=approved(INTENT, captured=True, network_transaction_id=NETWORK_ID),
    ),
    Exchange(
        description="a payment intent whose shopper was authenticated elsewhere",
        given=(ACCOUNT,),
        kind="authorize",
        call={"three_ds": words.PROOF},
        ask=_authorize(capture=True, **PROVED),
        say=Say(200, charged("succeeded", AMOUNT)),
        outcome=approved(INTENT, captured=True, network_transaction_id=NETWORK_ID),
    ),
    Exchange(
        description="a payment intent that is only authorized",
        given=(ACCOUNT,),
        kind="authorize",
        call={"capture": False},
        ask=_authorize(capture=False),
        say=Say(200, charged("requires_capture", 0)),
        outcome=approved(INTENT, network_transaction_id=NETWORK_ID),
    ),
    Exchange(
        description="a payment intent that the issuer declines",
        given=(ACCOUNT, SHORT_OF_FUNDS),
        kind="authorize",
        ask=_authorize(capture=True),
        say=Say(
            402,
            _error(
                "card_error",
                "card_declined",
                decline_code="insufficient_funds",
                network_decline_code="51",
                payment_intent={"id": text(INTENT, INTENT_LIKE)},
            ),
        ),
        outcome=words.short_of_funds("insufficient_funds", INTENT, MESSAGE),
    ),
    Exchange(
        description="a payment intent that is decided later",
        given=(ACCOUNT, words.undecided("authorize")),
        kind="authorize",
        ask=_authorize(capture=True),
        say=Say(200, intent("processing", currency="eur")),
        outcome=words.pending(INTENT),
    ),
    Exchange(
        description="a payment intent that needs the shopper",
        given=(ACCOUNT, ("the issuer wants a challenge", {})),
        kind="authorize",
        ask=_authorize(capture=True),
        say=Say(200, intent("requires_action", currency="eur", next_action={"type": like("use_stripe_sdk")})),
        outcome={"kind": "action_required", "provider_reference": INTENT, "action": {"type": "use_stripe_sdk"}},
    ),
    Exchange(
        description="a payment intent under a key that opens nothing",
        given=(words.NO_ACCOUNT,),
        kind="authorize",
        ask=_authorize(capture=True),
        say=Say(401, _error("invalid_request_error")),
        outcome=refused("invalid_request_error", MESSAGE),
    ),
    Exchange(
        description="a payment intent while Stripe is out of order",
        given=(ACCOUNT, words.out_of_order("authorize")),
        kind="authorize",
        ask=_authorize(capture=True),
        say=Say(500, _error("api_error")),
        outcome=words.OUT_OF_ORDER,
    ),
    Exchange(
        description="one payment intent too many",
        given=(ACCOUNT, words.too_many("authorize")),
        kind="authorize",
        ask=_authorize(capture=True),
        say=Say(429, _error("invalid_request_error", "rate_limit")),
        outcome=words.TOO_MANY,
    ),
    Exchange(
        description="a payment intent under a key that another request has used",
        given=(ACCOUNT, ("a payment is authorized", {"amount": 100})),
        kind="authorize",
        ask=_authorize(capture=True),
        say=Say(400, _error("idempotency_error")),
        outcome={"kind": "unknown", "cause": "conflict", "message": "idempotency_error"},
    ),
)

FOLLOWING = (
    Exchange(
        description="a capture of everything",
        given=(ACCOUNT, AUTHORIZED),
        kind="capture",
        call={"parent_reference": INTENT},
        ask=_capture(),
        say=Say(200, marked(AMOUNT)),
        outcome=approved(CHARGE, captured=True),
    ),
    Exchange(
        description="a capture of a part, the rest is released",
        given=(ACCOUNT, AUTHORIZED),
        kind="capture",
        call={"parent_reference": INTENT, "amount": 1000},
        ask=_capture(1000),
        say=Say(200, marked(1000)),
        outcome=approved(CHARGE, 1000, captured=True),
    ),
    Exchange(
        description="a capture of a part, more to come",
        given=(ACCOUNT, AUTHORIZED),
        kind="capture",
        call={"parent_reference": INTENT, "amount": 1000, "final": False},
        ask=_capture(1000, final=False),
        say=Say(200, marked(1000)),
        outcome=approved(CHARGE, 1000, captured=True),
    ),
    Exchange(
        description="a capture of what is captured",
        given=(ACCOUNT, CAPTURED),
        kind="capture",
        call={"parent_reference": INTENT},
        ask=_capture(),
        say=Say(
            400,
            _error(
                "invalid_request_error",
                "payment_intent_unexpected_state",
                payment_intent={"id": text(INTENT, INTENT_LIKE)},
            ),
        ),
        outcome=refused("payment_intent_unexpected_state", MESSAGE, provider_reference=INTENT),
    ),
    Exchange(
        description="a cancel of an authorization",
        given=(ACCOUNT, AUTHORIZED),
        kind="void",
        call={"parent_reference": INTENT},
        ask=_void(),
        say=Say(200, intent("canceled")),
        outcome=approved(INTENT),
    ),
    Exchange(
        description="a cancel of what is canceled",
        given=(ACCOUNT, AUTHORIZED, ("somebody else canceled it", {})),
        kind="void",
        call={"parent_reference": INTENT},
        ask=_void(),
        say=Say(
            400,
            _error("invalid_request_error", "payment_intent_unexpected_state", payment_intent=intent("canceled")),
        ),
        outcome=approved(INTENT),
    ),
    Exchange(
        description="a refund of a part",
        given=(ACCOUNT, CAPTURED),
        kind="refund",
        call={"parent_reference": INTENT, "amount": 1200},
        ask=_refund(1200),
        say=Say(200, refunded(1200)),
        outcome=approved(REFUND, 1200),
    ),
    Exchange(
        description="a refund that is decided later",
        given=(ACCOUNT, CAPTURED, words.undecided("refund")),
        kind="refund",
        call={"parent_reference": INTENT},
        ask=_refund(AMOUNT),
        say=Say(200, refunded(AMOUNT, "pending")),
        outcome=words.pending(REFUND),
    ),
    Exchange(
        description="a refund that the bank refuses",
        given=(ACCOUNT, CAPTURED, words.declines("refund", "expired_card")),
        kind="refund",
        call={"parent_reference": INTENT},
        ask=_refund(AMOUNT),
        say=Say(200, refunded(AMOUNT, "failed") | {"failure_reason": text("expired_or_canceled_card", "[a-z_]+")}),
        outcome={
            "kind": "declined",
            "reason": "card_closed",
            "advice": "none",
            "provider_code": "expired_or_canceled_card",
            "provider_reference": REFUND,
        },
    ),
    Exchange(
        description="a refund of more than was captured",
        given=(ACCOUNT, CAPTURED),
        kind="refund",
        call={"parent_reference": INTENT, "amount": AMOUNT + 1},
        ask=_refund(AMOUNT + 1),
        say=Say(400, _error("invalid_request_error")),
        outcome=refused("invalid_request_error", MESSAGE),
    ),
)
