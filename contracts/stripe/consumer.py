"""What the gateway needs of Stripe: its calls (see `calls`), the reads that resolve an unknown, and the events."""

from contracts.kit import words
from contracts.kit.consumer import AMOUNT, OPERATIONS, PAYMENT, Ask, Consumer, Exchange, Given, Notification, Say
from contracts.kit.shapes import from_state, listed, text
from contracts.kit.words import ACCOUNT, AUTHORIZED, CAPTURED, approved
from contracts.stripe.calls import (
    API_KEY,
    AUTHORIZATIONS,
    CARD,
    CHARGE,
    FOLLOWING,
    INTENT,
    INTENT_LIKE,
    MESSAGE,
    NETWORK_ID,
    REFUND,
    REFUND_LIKE,
    SHORT_OF_FUNDS,
    charged,
    headers,
    intent,
    intent_path,
    marked,
    refunded,
)
from gateway.use_cases.ports import OperationKind


def look(kind: OperationKind) -> Ask:
    return Ask("GET", intent_path(), headers(kind, key=False), {"expand[0]": "latest_charge"})


def _search() -> Ask:
    query = {"query": f'metadata["payera_operation"]:"{OPERATIONS["authorize"]}"', "expand[0]": "data.latest_charge"}
    return Ask("GET", "/v1/payment_intents/search", headers("authorize", key=False), query)


READS = (
    Exchange(
        description="a search for an intent by our reference",
        given=(ACCOUNT, CAPTURED, words.TIME_PASSES),
        kind="authorize",
        read=True,
        ask=_search(),
        say=Say(200, {"data": [charged("succeeded", AMOUNT)]}),
        outcome=approved(INTENT, captured=True, network_transaction_id=NETWORK_ID),
    ),
    Exchange(
        description="a search for an intent that never arrived",
        given=(ACCOUNT,),
        kind="authorize",
        read=True,
        ask=_search(),
        say=Say(200, {"data": []}),
        outcome=words.ABSENT,
    ),
    Exchange(
        description="an intent by its id",
        given=(ACCOUNT, AUTHORIZED),
        kind="authorize",
        read=True,
        call={"capture": False, "provider_reference": INTENT},
        ask=look("authorize"),
        say=Say(200, charged("requires_capture", 0)),
        outcome=approved(INTENT, network_transaction_id=NETWORK_ID),
    ),
    Exchange(
        description="an intent whose last payment was declined",
        given=(ACCOUNT, SHORT_OF_FUNDS, AUTHORIZED),
        kind="authorize",
        read=True,
        call={"capture": False, "provider_reference": INTENT},
        ask=Ask(
            "GET",
            from_state(f"/v1/payment_intents/{INTENT}", "/v1/payment_intents/${parent}", "/v1/payment_intents/[^/]+"),
            headers("authorize", key=False),
            {"expand[0]": "latest_charge"},
        ),
        say=Say(
            200,
            intent(
                "requires_payment_method",
                currency="eur",
                last_payment_error={
                    "type": "card_error",
                    "code": "card_declined",
                    "decline_code": "insufficient_funds",
                    "network_decline_code": "51",
                    "message": text(MESSAGE, ".+"),
                },
            ),
        ),
        outcome=words.short_of_funds("insufficient_funds", INTENT, MESSAGE),
    ),
    Exchange(
        description="an intent that bears the mark of our capture",
        given=(ACCOUNT, AUTHORIZED, words.CAPTURE_SENT),
        kind="capture",
        read=True,
        call={"parent_reference": INTENT},
        ask=look("capture"),
        say=Say(200, marked(AMOUNT)),
        outcome=approved(CHARGE, captured=True),
    ),
    Exchange(
        description="an intent without the mark of our capture",
        given=(ACCOUNT, AUTHORIZED),
        kind="capture",
        read=True,
        call={"parent_reference": INTENT},
        ask=look("capture"),
        say=Say(200, {"currency": "eur", "metadata": {"payera_payment": PAYMENT}}),
        outcome=words.ABSENT,
    ),
    Exchange(
        description="an intent that was canceled",
        given=(ACCOUNT, AUTHORIZED, words.VOID_SENT),
        kind="void",
        read=True,
        call={"parent_reference": INTENT},
        ask=look("void"),
        say=Say(200, intent("canceled")),
        outcome=approved(INTENT),
    ),
    Exchange(
        description="an intent that was not canceled",
        given=(ACCOUNT, AUTHORIZED),
        kind="void",
        read=True,
        call={"parent_reference": INTENT},
        ask=look("void"),
        say=Say(200, intent("requires_capture")),
        outcome=words.ABSENT,
    ),
    Exchange(
        description="a refund by its id",
        given=(ACCOUNT, CAPTURED, words.REFUND_SENT),
        kind="refund",
        read=True,
        call={"parent_reference": INTENT, "provider_reference": REFUND},
        ask=Ask(
            "GET",
            from_state(f"/v1/refunds/{REFUND}", "/v1/refunds/${refund}", "/v1/refunds/[^/]+"),
            headers("refund", key=False),
        ),
        say=Say(200, refunded(AMOUNT)),
        outcome=approved(REFUND),
    ),
    Exchange(
        description="the refunds of an intent, ours among them",
        given=(ACCOUNT, CAPTURED, words.REFUND_SENT),
        kind="refund",
        read=True,
        call={"parent_reference": INTENT},
        ask=Ask(
            "GET",
            "/v1/refunds",
            headers("refund", key=False),
            {"payment_intent": from_state(INTENT, "${payment}", INTENT_LIKE), "limit": "100"},
        ),
        say=Say(
            200,
            {"data": listed(refunded(AMOUNT) | {"metadata": {"payera_operation": OPERATIONS["refund"]}})},
        ),
        outcome=approved(REFUND),
    ),
    Exchange(
        description="the refunds of an intent, none of them ours",
        given=(ACCOUNT, CAPTURED),
        kind="refund",
        read=True,
        call={"parent_reference": INTENT},
        ask=Ask(
            "GET",
            "/v1/refunds",
            headers("refund", key=False),
            {"payment_intent": from_state(INTENT, "${payment}", INTENT_LIKE), "limit": "100"},
        ),
        say=Say(200, {"data": [], "has_more": False}),
        outcome=words.ABSENT,
    ),
)


def _event(event_type: str, *given: Given, refund: bool = False) -> Notification:
    kind: OperationKind = "refund" if refund else "authorize"
    identifier = text(REFUND, REFUND_LIKE) if refund else text(INTENT, INTENT_LIKE)
    thing = {"id": identifier, "metadata": {"payera_operation": OPERATIONS[kind]}}
    return Notification(
        description=f"the event {event_type}",
        given=(ACCOUNT, *given, words.notified_of(event_type)),
        body={"id": text("evt_1", "evt_[A-Za-z0-9]+"), "type": event_type, "data": {"object": thing}},
        headers={"Stripe-Signature": text("t=1,v1=00", "t=[0-9]+,v1=[0-9a-f]+")},
        facts=((OPERATIONS[kind], REFUND if refund else INTENT, None),),
    )


NOTIFICATIONS = (
    _event("payment_intent.succeeded", CAPTURED),
    _event("payment_intent.amount_capturable_updated", AUTHORIZED),
    _event("payment_intent.payment_failed", SHORT_OF_FUNDS, AUTHORIZED),
    _event("payment_intent.canceled", AUTHORIZED, words.VOID_SENT),
    _event("payment_intent.requires_action", ("the issuer wants a challenge", {}), AUTHORIZED),
    _event("payment_intent.processing", words.undecided("authorize"), AUTHORIZED),
    _event("refund.created", CAPTURED, words.REFUND_SENT, refund=True),
    _event(
        "refund.failed",
        CAPTURED,
        words.declines("refund", "expired_card"),
        words.REFUND_SENT,
        refund=True,
    ),
)

CONSUMER = Consumer(
    slug="stripe",
    credentials={"api_key": API_KEY, "webhook_secret": "whsec_contract"},
    card=CARD,
    exchanges=(*AUTHORIZATIONS, *FOLLOWING, *READS),
    notifications=NOTIFICATIONS,
)
