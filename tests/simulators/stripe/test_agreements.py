"""Payments without the shopper, and holds that are raised: agreements that were made before."""

from typing import Any

import pytest
import stripe

from tests.simulators.stripe.simulator import Shop

PAY: dict[str, Any] = {"amount": 4200, "currency": "eur", "confirm": True}
UNLESS, ALWAYS = "pm_card_authenticationRequiredOnSetup", "pm_card_authenticationRequired"
RAISABLE: dict[str, Any] = {
    **PAY,
    "payment_method": "pm_card_visa",
    "capture_method": "manual",
    "payment_method_options": {"card": {"request_incremental_authorization": "if_available"}},
}


def test_setup_future_usage_makes_an_agreement(shop: Shop) -> None:
    customer = shop.api.customers.create().id
    first = shop.api.payment_intents.create(
        {**PAY, "customer": customer, "payment_method": UNLESS, "setup_future_usage": "off_session"}
    )
    assert first.status == "requires_action"
    shop.control("POST", "/settle", {"object": first.id, "action": "authenticate"})
    later = {**PAY, "customer": customer, "payment_method": first.payment_method, "off_session": True}
    second = shop.api.payment_intents.create({**later, "expand": ["latest_charge"]})
    assert second.status == "succeeded"
    card = second.latest_charge.payment_method_details.card
    assert card.network_transaction_id.isdigit()
    assert card.three_d_secure is None


def test_off_session_without_agreement_is_brought_back_on_session(shop: Shop) -> None:
    customer = shop.api.customers.create().id
    method = shop.api.payment_methods.attach(UNLESS, {"customer": customer}).id
    paid = {**PAY, "customer": customer, "payment_method": method, "return_url": "https://shop.example/back"}
    with pytest.raises(stripe.CardError) as declined:
        shop.api.payment_intents.create({**paid, "off_session": True})
    error = declined.value.error
    assert (error.code, error.decline_code) == ("authentication_required", "authentication_required")
    assert error.payment_intent.status == "requires_payment_method"
    assert error.payment_intent.last_payment_error.payment_method.id == method
    again = shop.api.payment_intents.confirm(
        error.payment_intent.id, {"payment_method": method, "return_url": "https://shop.example/back"}
    )
    assert (again.status, again.next_action.type) == ("requires_action", "redirect_to_url")
    shop.control("POST", "/settle", {"object": again.id, "action": "authenticate"})
    assert shop.journal() == [("decline", 4200, "EUR"), ("charge", 4200, "EUR")]


def with_exemption(**exemption: Any) -> dict[str, Any]:
    return {"payment_method_options": {"card": {"mit_exemption": exemption}}}


def test_an_agreement_made_elsewhere(shop: Shop) -> None:
    known = with_exemption(network_transaction_id="016153570198200")
    options = {**PAY, "payment_method": UNLESS, "off_session": True}
    paid = shop.api.payment_intents.create({**options, **known})
    assert paid.status == "succeeded"
    assert "mit_exemption" not in paid.payment_method_options.card.to_dict()
    claimed = with_exemption(claim_without_transaction_id=True)
    assert shop.api.payment_intents.create({**options, **claimed}).status == "succeeded"
    with pytest.raises(stripe.CardError):  # this issuer wants the shopper every time
        shop.api.payment_intents.create({**options, **known, "payment_method": ALWAYS})
    with pytest.raises(stripe.InvalidRequestError, match="when also setting `off_session`"):
        shop.api.payment_intents.create({**PAY, "payment_method": UNLESS, **known})
    with pytest.raises(stripe.InvalidRequestError, match="exactly one of"):
        shop.api.payment_intents.create({**options, **with_exemption(claim_without_transaction_id=False)})


@pytest.mark.parametrize("kind", ["payment_intents", "setup_intents"])
def test_the_browser_sdk_may_be_asked_for(shop: Shop, kind: str) -> None:
    money = PAY if kind == "payment_intents" else {"confirm": True}
    asked = {**money, "payment_method": ALWAYS, "return_url": "https://shop.example/back", "use_stripe_sdk": True}
    intent = getattr(shop.api, kind).create(asked)
    assert intent.next_action.type == "use_stripe_sdk"
    page = intent.next_action.use_stripe_sdk["stripe_js"].removeprefix(shop.url)
    done = shop.http("POST", page, "result=complete", authorization="")
    assert (done.status_code, "Done" in done.text) == (200, True)
    assert getattr(shop.api, kind).retrieve(intent.id).status == "succeeded"


def test_mandates(shop: Shop) -> None:
    online = {"ip_address": "127.0.0.1", "user_agent": "browser"}
    accepted = {"customer_acceptance": {"type": "online", "online": online}}
    customer = shop.api.customers.create().id
    setup = shop.api.setup_intents.create(
        {"payment_method": "pm_card_visa", "customer": customer, "confirm": True, "mandate_data": accepted}
    )
    mandate = shop.api.mandates.retrieve(setup.mandate)
    assert (mandate.status, mandate.type, mandate.payment_method) == ("active", "multi_use", setup.payment_method)
    assert mandate.customer_acceptance.online.ip_address == "127.0.0.1"
    paid = {**PAY, "customer": customer, "payment_method": setup.payment_method, "off_session": True}
    assert shop.api.payment_intents.create({**paid, "mandate": mandate.id}).status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.api.payment_intents.create({**PAY, "payment_method": "pm_card_visa", "mandate": mandate.id})
    assert (refused.value.code, refused.value.param) == ("resource_missing", "mandate")


def test_a_hold_is_raised(shop: Shop) -> None:
    held = shop.api.payment_intents.create({**RAISABLE, "expand": ["latest_charge"]})
    assert held.latest_charge.payment_method_details.card.incremental_authorization.status == "available"
    more = shop.api.payment_intents.increment_authorization(
        held.id, {"amount": 5000, "description": "one more night", "metadata": {"a": "b"}, "expand": ["latest_charge"]}
    )
    assert (more.status, more.amount, more.amount_capturable) == ("requires_capture", 5000, 5000)
    assert (more.description, more.metadata.to_dict()) == ("one more night", {"a": "b"})
    card = more.latest_charge.payment_method_details.card
    assert (more.latest_charge.amount, card.amount_authorized, card.overcapture.maximum_amount_capturable) == (
        5000, 5000, 5000,
    )  # fmt: skip
    assert shop.api.payment_intents.capture(held.id).amount_received == 5000
    assert shop.journal() == [("authorize", 4200, "EUR"), ("authorize", 800, "EUR"), ("capture", 5000, "EUR")]
    assert [entry["parent"] for entry in shop.entries()] == [None, held.id, held.id]
    told = [event.type for event in shop.api.events.list().data][2:4]
    assert told == ["payment_intent.amount_capturable_updated", "charge.updated"]


def test_a_refused_raise_changes_nothing(shop: Shop) -> None:
    held = shop.api.payment_intents.create(RAISABLE)
    shop.fault({"operation": "authorize", "amount": 5000}, {"action": "decline", "code": "51"}, times=1)
    with pytest.raises(stripe.CardError) as declined:
        shop.api.payment_intents.increment_authorization(held.id, {"amount": 5000})
    assert declined.value.error.decline_code == "insufficient_funds"
    assert shop.api.payment_intents.retrieve(held.id).to_dict() == held.to_dict()
    assert shop.journal() == [("authorize", 4200, "EUR"), ("decline", 800, "EUR")]
    for amount in range(5001, 5010):
        shop.api.payment_intents.increment_authorization(held.id, {"amount": amount})
    with pytest.raises(stripe.InvalidRequestError, match="at most 10 times"):
        shop.api.payment_intents.increment_authorization(held.id, {"amount": 6000})


def test_what_cannot_be_raised(shop: Shop) -> None:
    plain = shop.api.payment_intents.create({**PAY, "payment_method": "pm_card_visa", "capture_method": "manual"})
    with pytest.raises(stripe.InvalidRequestError, match="not eligible for incremental authorization"):
        shop.api.payment_intents.increment_authorization(plain.id, {"amount": 5000})
    held = shop.api.payment_intents.create(RAISABLE)
    for amount, param in ((4200, "amount"), (None, "amount")):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            shop.api.payment_intents.increment_authorization(held.id, {} if amount is None else {"amount": amount})
        assert refused.value.param == param
    shop.api.payment_intents.capture(held.id)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.api.payment_intents.increment_authorization(held.id, {"amount": 5000})
    assert refused.value.code == "payment_intent_unexpected_state"
