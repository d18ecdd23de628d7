"""The official SDK moves money: intents, captures in parts, refunds, declines. Exact journals."""

from typing import Any

import pytest
import stripe

from tests.simulators.stripe.simulator import Shop

CARD = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2034, "cvc": "123"}


def pay(shop: Shop, amount: int = 4200, **more: Any) -> Any:
    return shop.api.payment_intents.create(
        {"amount": amount, "currency": "eur", "confirm": True, "payment_method": "pm_card_visa", **more}
    )


def test_customer_method_and_confirmation_in_steps(shop: Shop) -> None:
    customer = shop.api.customers.create({"email": "ann@example.com", "name": "Ann", "metadata": {"n": "1"}})
    method = shop.api.payment_methods.create({"type": "card", "card": CARD, "billing_details": {"name": "Ann"}})
    assert method.card.last4 == "4242"
    assert method.card.brand == "visa"
    assert method.customer is None
    method = shop.api.payment_methods.attach(method.id, {"customer": customer.id})
    assert method.customer == customer.id
    assert method.card.checks.cvc_check == "pass"

    intent = shop.api.payment_intents.create({"amount": 4200, "currency": "eur", "customer": customer.id})
    assert intent.status == "requires_payment_method"
    intent = shop.api.payment_intents.update(intent.id, {"payment_method": method.id, "metadata": {"a": "b"}})
    assert intent.status == "requires_confirmation"
    assert shop.journal() == []
    intent = shop.api.payment_intents.confirm(intent.id)
    assert (intent.status, intent.amount_received, intent.metadata["a"]) == ("succeeded", 4200, "b")
    assert shop.journal() == [("charge", 4200, "EUR")]
    assert shop.api.payment_intents.retrieve(intent.id).to_dict() == intent.to_dict()


def test_manual_capture_in_two_parts(shop: Shop) -> None:
    options = {"card": {"request_multicapture": "if_available"}}
    intent = pay(shop, capture_method="manual", payment_method_options=options, expand=["latest_charge"])
    assert (intent.status, intent.amount_capturable) == ("requires_capture", 4200)
    assert intent.latest_charge.payment_method_details.card.multicapture.status == "available"
    assert intent.latest_charge.captured is False

    intent = shop.api.payment_intents.capture(intent.id, {"amount_to_capture": 1000, "final_capture": False})
    assert (intent.status, intent.amount_received, intent.amount_capturable) == ("requires_capture", 1000, 3200)
    intent = shop.api.payment_intents.capture(intent.id, {"amount_to_capture": 2000})
    assert (intent.status, intent.amount_received, intent.amount_capturable) == ("succeeded", 3000, 0)
    charge = shop.api.charges.retrieve(intent.latest_charge)
    assert (charge.amount, charge.amount_captured, charge.amount_refunded, charge.captured) == (4200, 3000, 0, True)
    assert shop.journal() == [("authorize", 4200, "EUR"), ("capture", 1000, "EUR"), ("capture", 2000, "EUR")]


def test_multicapture_must_be_asked_for(shop: Shop) -> None:
    intent = pay(shop, capture_method="manual")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.api.payment_intents.capture(intent.id, {"amount_to_capture": 1000, "final_capture": False})
    assert refused.value.param == "final_capture"
    intent = shop.api.payment_intents.capture(intent.id, {"amount_to_capture": 1000})
    assert (intent.status, intent.amount_received, intent.amount_capturable) == ("succeeded", 1000, 0)
    assert shop.journal() == [("authorize", 4200, "EUR"), ("capture", 1000, "EUR")]


def test_capture_beyond_what_is_held(shop: Shop) -> None:
    intent = pay(shop, capture_method="manual")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.api.payment_intents.capture(intent.id, {"amount_to_capture": 4201})
    assert refused.value.code == "amount_too_large"
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.api.payment_intents.capture(intent.id, {"amount_to_capture": 0})
    assert refused.value.code == "parameter_invalid_integer"
    assert shop.journal() == [("authorize", 4200, "EUR")]


def test_charge_is_captured_the_older_way(shop: Shop) -> None:
    intent = pay(shop, capture_method="manual")
    charge = shop.api.charges.capture(intent.latest_charge, {"amount": 4000})
    assert (charge.captured, charge.amount_captured) == (True, 4000)
    assert shop.api.payment_intents.retrieve(intent.id).status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.api.charges.capture(intent.latest_charge)
    assert refused.value.code == "charge_already_captured"


def test_cancel_releases_what_is_held(shop: Shop) -> None:
    intent = pay(shop, capture_method="manual")
    intent = shop.api.payment_intents.cancel(intent.id, {"cancellation_reason": "requested_by_customer"})
    assert (intent.status, intent.amount_capturable) == ("canceled", 0)
    assert intent.cancellation_reason == "requested_by_customer"
    assert shop.journal() == [("authorize", 4200, "EUR"), ("void", 4200, "EUR")]
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.api.payment_intents.cancel(intent.id)
    assert refused.value.code == "payment_intent_unexpected_state"
    assert refused.value.error.payment_intent.status == "canceled"
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.api.payment_intents.capture(intent.id)
    assert refused.value.code == "payment_intent_unexpected_state"


def test_refund_in_part_and_whole(shop: Shop) -> None:
    intent = pay(shop)
    part = shop.api.refunds.create({"payment_intent": intent.id, "amount": 1200, "reason": "duplicate"})
    assert (part.status, part.amount, part.charge) == ("succeeded", 1200, intent.latest_charge)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.api.refunds.create({"payment_intent": intent.id, "amount": 3001})
    assert refused.value.param == "amount"
    rest = shop.api.refunds.create({"charge": intent.latest_charge})
    assert rest.amount == 3000
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.api.refunds.create({"payment_intent": intent.id})
    assert refused.value.code == "charge_already_refunded"
    charge = shop.api.charges.retrieve(intent.latest_charge, {"expand": ["refunds", "balance_transaction"]})
    assert (charge.amount_refunded, charge.refunded) == (4200, True)
    assert [refund.id for refund in charge.refunds.data] == [rest.id, part.id]
    assert charge.balance_transaction.amount == 4200
    assert shop.journal() == [("charge", 4200, "EUR"), ("refund", 1200, "EUR"), ("refund", 3000, "EUR")]


def test_refund_needs_captured_money(shop: Shop) -> None:
    intent = pay(shop, capture_method="manual")
    with pytest.raises(stripe.InvalidRequestError, match="does not have a successful charge to refund"):
        shop.api.refunds.create({"payment_intent": intent.id})
    assert shop.journal() == [("authorize", 4200, "EUR")]


DECLINES = [
    ("4000000000000002", "pm_card_chargeDeclined", "card_declined", "generic_decline"),
    ("4000000000009995", "pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
    ("4000000000009987", "pm_card_chargeDeclinedLostCard", "card_declined", "lost_card"),
    ("4000000000009979", "pm_card_chargeDeclinedStolenCard", "card_declined", "stolen_card"),
    ("4000000000000069", "pm_card_chargeDeclinedExpiredCard", "expired_card", None),
    ("4000000000000127", "pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", None),
    ("4000000000000119", "pm_card_chargeDeclinedProcessingError", "processing_error", None),
]


@pytest.mark.parametrize(("number", "token", "code", "decline_code"), DECLINES)
def test_magic_cards_decline(shop: Shop, number: str, token: str, code: str, decline_code: str | None) -> None:
    typed = {"type": "card", "card": {**CARD, "number": number}}
    for method in ({"payment_method": token}, {"payment_method": None, "payment_method_data": typed}):
        given = {key: value for key, value in method.items() if value is not None}
        with pytest.raises(stripe.CardError) as declined:
            shop.api.payment_intents.create({"amount": 4200, "currency": "eur", "confirm": True, **given})
        error = declined.value
        assert error.http_status == 402
        assert error.code == code
        assert (error.error.to_dict().get("decline_code")) == decline_code
        intent = error.error.payment_intent
        assert intent.status == "requires_payment_method"
        assert intent.last_payment_error.code == code
        charge = shop.api.charges.retrieve(error.error.charge)
        assert (charge.status, charge.paid, charge.failure_code) == ("failed", False, code)
        assert charge.outcome.reason == (decline_code or code)
        assert charge.outcome.network_status == "declined_by_network"
    reason = decline_code or code
    assert [(e["kind"], e["amount"], e["code"]) for e in shop.entries()] == [("decline", 4200, reason)] * 2


def test_card_that_attaches_and_then_fails(shop: Shop) -> None:
    customer = shop.api.customers.create()
    method = shop.api.payment_methods.create({"type": "card", "card": {**CARD, "number": "4000000000000341"}})
    shop.api.payment_methods.attach(method.id, {"customer": customer.id})
    with pytest.raises(stripe.CardError) as declined:
        pay(shop, payment_method=method.id, customer=customer.id)
    assert declined.value.error.decline_code == "generic_decline"


def test_declined_card_is_not_attached(shop: Shop) -> None:
    customer = shop.api.customers.create()
    with pytest.raises(stripe.CardError) as declined:
        shop.api.payment_methods.attach("pm_card_chargeDeclinedLostCard", {"customer": customer.id})
    assert declined.value.error.decline_code == "lost_card"
    assert shop.api.customers.payment_methods.list(customer.id).data == []


def test_declined_intent_is_paid_with_another_card(shop: Shop) -> None:
    with pytest.raises(stripe.CardError) as declined:
        pay(shop, payment_method="pm_card_chargeDeclined")
    identifier = declined.value.error.payment_intent.id
    intent = shop.api.payment_intents.confirm(identifier, {"payment_method": "pm_card_mastercard"})
    assert (intent.status, intent.last_payment_error) == ("succeeded", None)
    charges = shop.api.charges.list({"payment_intent": identifier})
    assert [charge.status for charge in charges.data] == ["succeeded", "failed"]
    assert [kind for kind, _, _ in shop.journal()] == ["decline", "charge"]


@pytest.mark.parametrize(
    ("said", "decline_code", "network_code"),
    [("91", "issuer_not_available", "91"), ("fraudulent", "fraudulent", "59"), ("R0", "stop_payment_order", "R0"),
     ("92", "issuer_not_available", "92"), ("51", "insufficient_funds", "51"), ("41", "lost_card", "41")],
)  # fmt: skip
def test_fault_declines_by_word_or_iso_code(shop: Shop, said: str, decline_code: str, network_code: str) -> None:
    shop.fault({"operation": "authorize"}, {"action": "decline", "code": said})
    with pytest.raises(stripe.CardError) as declined:
        pay(shop)
    error = declined.value.error.to_dict()
    assert (error["code"], error["decline_code"]) == ("card_declined", decline_code)
    assert error["network_decline_code"] == network_code


def test_references_reach_the_journal(shop: Shop) -> None:
    """The connector's metadata name the operation; where an operation takes none, the idempotency key does."""
    void_key = "void_" + "0" * 26
    about = {"payera_operation": "att_1", "payera_payment": "pay_1"}
    intent = pay(shop, capture_method="manual", metadata=about)
    shop.api.payment_intents.capture(intent.id, {"amount_to_capture": 4000, "metadata": {"payera_operation": "cap_1"}})
    shop.api.refunds.create(
        {
            "payment_intent": intent.id,
            "amount": 100,
            "metadata": {"payera_operation": "ref_1", "payera_payment": "pay_1"},
        }
    )
    other = pay(shop, capture_method="manual", metadata=about)
    shop.api.payment_intents.cancel(other.id, {}, {"idempotency_key": void_key})
    assert [(e["kind"], e["reference"], e["payment"]) for e in shop.entries()] == [
        ("authorize", "att_1", "pay_1"),
        ("capture", "cap_1", "pay_1"),
        ("refund", "ref_1", "pay_1"),
        ("authorize", "att_1", "pay_1"),
        ("void", void_key, "pay_1"),
    ]
    entries = shop.entries()
    assert [e["object"] for e in entries[:2]] == [intent.id, intent.latest_charge]
    assert [e["parent"] for e in entries[:3]] == [None, intent.id, intent.id]
