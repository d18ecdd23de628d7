"""3DS: who is challenged, the page the shopper sees, and what follows; setup intents that make a card known."""

from typing import Any

import pytest
import stripe

from tests.simulators.stripe.simulator import Shop

PARAMS: dict[str, Any] = {"amount": 4200, "currency": "eur", "confirm": True}
ALWAYS, UNLESS = "pm_card_authenticationRequired", "pm_card_authenticationRequiredOnSetup"
BACK = "https://shop.example/back?order=7"


def test_redirect_and_return(shop: Shop) -> None:
    intent = shop.api.payment_intents.create({**PARAMS, "payment_method": ALWAYS, "return_url": BACK})
    assert (intent.status, intent.next_action.type) == ("requires_action", "redirect_to_url")
    assert shop.journal() == []
    page = intent.next_action.redirect_to_url.url.removeprefix(shop.url)
    shown = shop.http("GET", page, authorization="")
    assert (shown.status_code, shown.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "42.00 eur" in shown.text
    back = shop.http("POST", page, "result=complete", authorization="")
    secret = intent.client_secret
    wanted = f"{BACK}&payment_intent={intent.id}&payment_intent_client_secret={secret}&redirect_status=succeeded"
    assert (back.status_code, back.headers["location"]) == (303, wanted)
    intent = shop.api.payment_intents.retrieve(intent.id, {"expand": ["latest_charge"]})
    secure = intent.latest_charge.payment_method_details.card.three_d_secure
    assert (intent.status, secure.result, secure.authentication_flow) == ("succeeded", "authenticated", "challenge")
    assert shop.journal() == [("charge", 4200, "EUR")]
    assert shop.http("POST", page, "result=complete", authorization="").status_code == 409


def test_failed_challenge(shop: Shop) -> None:
    intent = shop.api.payment_intents.create({**PARAMS, "payment_method": ALWAYS, "return_url": BACK})
    page = intent.next_action.redirect_to_url.url.removeprefix(shop.url)
    assert shop.http("POST", page, "result=perhaps", authorization="").status_code == 400
    back = shop.http("POST", page, "result=fail", authorization="")
    assert back.headers["location"].endswith("&redirect_status=failed")
    intent = shop.api.payment_intents.retrieve(intent.id)
    assert intent.status == "requires_payment_method"
    assert intent.last_payment_error.code == "payment_intent_authentication_failure"
    assert shop.journal() == []


def test_without_a_return_url_the_browser_sdk_is_meant(shop: Shop) -> None:
    intent = shop.api.payment_intents.create({**PARAMS, "payment_method": ALWAYS})
    assert intent.next_action.type == "use_stripe_sdk"
    shop.control("POST", "/settle", {"object": intent.id, "action": "authenticate"})
    assert shop.api.payment_intents.retrieve(intent.id).status == "succeeded"


@pytest.mark.parametrize("more", [{"off_session": True}, {"error_on_requires_action": True}])
def test_a_needed_challenge_that_cannot_be_is_a_decline(shop: Shop, more: dict[str, Any]) -> None:
    with pytest.raises(stripe.CardError) as declined:
        shop.api.payment_intents.create({**PARAMS, "payment_method": ALWAYS, **more})
    assert declined.value.code == "authentication_required"
    assert declined.value.error.decline_code == "authentication_required"
    assert [kind for kind, _, _ in shop.journal()] == ["decline"]


@pytest.mark.parametrize(
    ("number", "decline_code"), [("4000008260003178", "insufficient_funds"), ("4000008400001629", "generic_decline")]
)
def test_challenge_passed_then_declined(shop: Shop, number: str, decline_code: str) -> None:
    card = {"type": "card", "card": {"number": number, "exp_month": 1, "exp_year": 2034}}
    intent = shop.api.payment_intents.create({**PARAMS, "payment_method_data": card, "return_url": BACK})
    assert intent.status == "requires_action"
    shop.control("POST", "/settle", {"object": intent.id, "action": "authenticate"})
    intent = shop.api.payment_intents.retrieve(intent.id)
    assert (intent.status, intent.last_payment_error.decline_code) == ("requires_payment_method", decline_code)


def test_authentication_that_cannot_be_done(shop: Shop) -> None:
    card = {"type": "card", "card": {"number": "4000008400001280", "exp_month": 1, "exp_year": 2034}}
    with pytest.raises(stripe.CardError) as declined:
        shop.api.payment_intents.create({**PARAMS, "payment_method_data": card})
    assert declined.value.code == "card_declined"


def test_a_challenge_may_be_asked_for(shop: Shop) -> None:
    options = {"card": {"request_three_d_secure": "any"}}
    intent = shop.api.payment_intents.create(
        {**PARAMS, "payment_method": "pm_card_visa", "payment_method_options": options}
    )
    assert intent.status == "requires_action"


def test_a_fault_may_ask_for_a_challenge(shop: Shop) -> None:
    shop.fault({"operation": "authorize"}, {"action": "outcome", "name": "requires_action"}, times=1)
    for status in ("requires_action", "succeeded"):
        assert shop.api.payment_intents.create({**PARAMS, "payment_method": "pm_card_visa"}).status == status


def test_a_card_set_up_before_is_not_challenged_off_session(shop: Shop) -> None:
    customer = shop.api.customers.create()
    setup = shop.api.setup_intents.create(
        {"customer": customer.id, "payment_method": UNLESS, "confirm": True, "usage": "off_session"}
    )
    assert setup.status == "requires_action"
    shop.control("POST", "/settle", {"object": setup.id, "action": "authenticate"})
    setup = shop.api.setup_intents.retrieve(setup.id)
    assert setup.status == "succeeded"
    assert shop.api.payment_methods.retrieve(setup.payment_method).customer == customer.id
    paid = {**PARAMS, "customer": customer.id, "payment_method": setup.payment_method}
    assert shop.api.payment_intents.create({**paid, "off_session": True}).status == "succeeded"
    assert shop.api.payment_intents.create(paid).status == "requires_action"


def test_manual_confirmation_goes_back_to_the_server(shop: Shop) -> None:
    intent = shop.api.payment_intents.create({**PARAMS, "payment_method": ALWAYS, "confirmation_method": "manual"})
    shop.control("POST", "/settle", {"object": intent.id, "action": "authenticate"})
    assert shop.api.payment_intents.retrieve(intent.id).status == "requires_confirmation"
    assert shop.journal() == []
    assert shop.api.payment_intents.confirm(intent.id).status == "succeeded"


def test_setup_intents_in_steps(shop: Shop) -> None:
    intent = shop.api.setup_intents.create({"usage": "on_session"})
    assert (intent.status, intent.usage) == ("requires_payment_method", "on_session")
    intent = shop.api.setup_intents.update(intent.id, {"payment_method": "pm_card_visa"})
    assert intent.status == "requires_confirmation"
    intent = shop.api.setup_intents.confirm(intent.id, {"expand": ["latest_attempt"]})
    assert (intent.status, intent.latest_attempt.status) == ("succeeded", "succeeded")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.api.setup_intents.cancel(intent.id)
    assert refused.value.code == "setup_intent_unexpected_state"
    with pytest.raises(stripe.CardError) as declined:
        shop.api.setup_intents.create({"payment_method": "pm_card_chargeDeclinedLostCard", "confirm": True})
    assert declined.value.error.decline_code == "lost_card"
    assert declined.value.error.setup_intent.status == "requires_payment_method"
    assert shop.journal() == []


def test_a_movement_that_the_state_does_not_allow(shop: Shop) -> None:
    intent = shop.api.payment_intents.create({**PARAMS, "payment_method": "pm_card_visa"})
    with pytest.raises(Exception, match="is succeeded; this needs requires_action"):
        shop.control("POST", "/settle", {"object": intent.id, "action": "authenticate"})
    with pytest.raises(Exception, match="there is no payment_intent pi_none"):
        shop.control("POST", "/settle", {"object": "pi_none", "action": "expire"})


@pytest.mark.parametrize(("token", "first", "then"), [
    ("pm_card_pendingRefund", "pending", "succeeded"), ("pm_card_refundFail", "succeeded", "failed"),
])  # fmt: skip
def test_refunds_that_take_their_time(shop: Shop, token: str, first: str, then: str) -> None:
    intent = shop.api.payment_intents.create({**PARAMS, "payment_method": token})
    refund = shop.api.refunds.create({"payment_intent": intent.id})
    assert refund.status == first
    shop.advance(61)
    assert shop.api.refunds.retrieve(refund.id).status == then
    refunded = shop.api.charges.retrieve(intent.latest_charge).amount_refunded
    assert refunded == (4200 if then == "succeeded" else 0)
