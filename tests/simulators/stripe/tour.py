"""One walk through every operation of the simulator and every shape that its answers can have."""

from typing import Any

import pytest
import stripe

from tests.simulators.stripe.simulator import Shop

CARD = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2034, "cvc": "123"}
OLD = {"stripe_version": "2023-08-16"}
ADDRESS = {"line1": "1 High Street", "city": "Bath", "country": "GB", "postal_code": "BA1"}


def tour(shop: Shop) -> None:
    """Call everything once, at the current API version and, where it shows, at the old one."""
    customer = _customers(shop)
    method = _methods(shop, customer)
    intent = _intents(shop, customer, method)
    _captures_and_cancels(shop)
    _declines(shop)
    _charges_and_refunds(shop, intent)
    _setup_intents(shop, customer, method)
    _disputes(shop)
    _balance(shop)
    _mandates(shop)
    _endpoints(shop)
    _events(shop)
    _errors(shop)
    shop.api.payment_methods.detach(method)
    shop.api.customers.delete(customer)
    shop.api.customers.retrieve(customer)


def _customers(shop: Shop) -> str:
    api = shop.api.customers
    shipping = {"name": "Ann", "address": ADDRESS, "phone": "1"}
    customer = api.create(
        {"email": "ann@example.com", "address": ADDRESS, "shipping": shipping, "metadata": {"a": "b"}}
    )
    api.update(customer.id, {"name": "Ann", "metadata": {"a": ""}})
    api.list({"limit": 2, "email": "ann@example.com"})
    return str(customer.id)


def _methods(shop: Shop, customer: str) -> str:
    api = shop.api.payment_methods
    billing = {"name": "Ann", "address": ADDRESS}
    method = api.create({"type": "card", "card": CARD, "billing_details": billing, "metadata": {"a": "b"}})
    api.attach(method.id, {"customer": customer})
    api.update(method.id, {"metadata": {"c": "d"}, "card": {"exp_year": 2035}})
    api.retrieve(method.id, {"expand": ["customer"]})
    api.list({"customer": customer, "type": "card"})
    shop.api.customers.payment_methods.list(customer)
    shop.api.customers.payment_methods.retrieve(customer, method.id)
    settings = {"default_payment_method": method.id}
    shop.api.customers.update(
        customer, {"invoice_settings": settings, "expand": ["invoice_settings.default_payment_method"]}
    )
    return str(method.id)


def _intents(shop: Shop, customer: str, method: str) -> str:
    api = shop.api.payment_intents
    empty = api.create({"amount": 4200, "currency": "eur", "capture_method": "automatic"})
    api.update(
        empty.id, {"description": "one", "shipping": {"name": "Ann", "address": ADDRESS}, "receipt_email": "a@b.c"}
    )
    waits = api.create({"amount": 4200, "currency": "eur", "payment_method": method, "customer": customer})
    api.confirm(waits.id, {"expand": ["payment_method"]})
    options = {"card": {"request_three_d_secure": "automatic", "request_multicapture": "if_available"}}
    paid = api.create(
        {"amount": 4200, "currency": "eur", "payment_method": method, "customer": customer, "confirm": True,
         "payment_method_options": options, "metadata": {"order": "7"},
         "expand": ["latest_charge.balance_transaction", "customer", "payment_method"]},
    )  # fmt: skip
    challenged = api.create(
        {"amount": 4200, "currency": "eur", "payment_method": "pm_card_authenticationRequired", "confirm": True,
         "return_url": "https://shop.example/back"},
    )  # fmt: skip
    shop.control("POST", "/settle", {"object": challenged.id, "action": "authenticate"})
    api.retrieve(challenged.id, {"expand": ["latest_charge"]})
    sdk = api.create(
        {"amount": 1, "currency": "clp", "payment_method": "pm_card_authenticationRequired", "confirm": True}
    )
    shop.control("POST", "/settle", {"object": sdk.id, "action": "fail_authentication"})
    api.retrieve(sdk.id)
    shop.fault({"amount": 777}, {"action": "pending", "seconds": 60})
    waiting = api.create({"amount": 777, "currency": "eur", "payment_method": "pm_card_visa", "confirm": True})
    api.retrieve(waiting.id, {"expand": ["latest_charge"]})
    api.list({"limit": 3, "customer": customer, "expand": ["data.customer"]})
    api.search({"query": "metadata['order']:'7'", "expand": ["data.latest_charge"]})
    api.retrieve(paid.id, {"expand": ["latest_charge"]}, OLD)
    return str(paid.id)


def _captures_and_cancels(shop: Shop) -> None:
    api = shop.api.payment_intents
    paid = {"amount": 4200, "currency": "eur", "payment_method": "pm_card_visa", "confirm": True}
    held: dict[str, Any] = {**paid, "capture_method": "manual"}
    multi = {"card": {"request_multicapture": "if_available"}}
    intent = api.create({**held, "payment_method_options": multi})
    api.capture(intent.id, {"amount_to_capture": 1000, "final_capture": False})
    api.capture(intent.id, {"amount_to_capture": 1000})
    more = api.create(
        {**held, "payment_method_options": {"card": {"request_incremental_authorization": "if_available"}}}
    )
    api.increment_authorization(more.id, {"amount": 5000, "expand": ["latest_charge"]})
    api.cancel(api.create(held).id, {"cancellation_reason": "abandoned"})
    expired = api.create(held)
    shop.control("POST", "/settle", {"object": expired.id, "action": "expire"})
    api.retrieve(expired.id)
    shop.api.charges.capture(api.create(held).latest_charge)


def _declines(shop: Shop) -> None:
    pay = {"amount": 4200, "currency": "eur", "confirm": True}
    for token in ("chargeDeclined", "chargeDeclinedExpiredCard", "authenticationRequired"):
        with pytest.raises(stripe.CardError) as declined:
            shop.api.payment_intents.create({**pay, "payment_method": f"pm_card_{token}", "off_session": True})
        shop.api.charges.retrieve(declined.value.error.charge)
    shop.fault({"operation": "authorize"}, {"action": "decline", "code": "05", "advice": "03"}, times=1)
    with pytest.raises(stripe.CardError):
        shop.api.payment_intents.create({**pay, "payment_method": "pm_card_visa"})
    with pytest.raises(stripe.CardError):
        shop.api.payment_methods.create({"type": "card", "card": {**CARD, "number": "4242424242424241"}})
    with pytest.raises(stripe.CardError):
        shop.api.payment_methods.attach("pm_card_chargeDeclined", {"customer": shop.api.customers.create().id})


def _charges_and_refunds(shop: Shop, intent: str) -> None:
    charge = shop.api.charges.list({"payment_intent": intent, "expand": ["data.payment_intent"]}).data[0]
    shop.api.charges.update(charge.id, {"description": "one", "metadata": {"a": "b"}})
    shop.api.charges.search({"query": "status:'succeeded'"})
    refund = shop.api.refunds.create(
        {"payment_intent": intent, "amount": 100, "metadata": {"a": "b"},
         "expand": ["charge.refunds", "balance_transaction", "payment_intent"]},
    )  # fmt: skip
    shop.api.refunds.update(refund.id, {"metadata": {"c": "d"}})
    shop.api.refunds.retrieve(refund.id)
    shop.api.refunds.list({"charge": charge.id})
    with pytest.raises(stripe.InvalidRequestError):
        shop.api.refunds.cancel(refund.id)
    shop.fault({"operation": "refund", "amount": 200}, {"action": "pending"})
    pending = shop.api.refunds.create({"payment_intent": intent, "amount": 200})
    shop.control("POST", "/settle", {"object": pending.id, "action": "fail_refund"})
    shop.api.refunds.retrieve(pending.id)


def _setup_intents(shop: Shop, customer: str, method: str) -> None:
    api = shop.api.setup_intents
    intent = api.create({"usage": "off_session", "customer": customer})
    api.update(intent.id, {"payment_method": method, "metadata": {"a": "b"}})
    api.confirm(intent.id, {"expand": ["latest_attempt", "payment_method", "customer"]})
    api.retrieve(intent.id)
    api.list({"customer": customer})
    api.cancel(api.create().id)
    api.create(
        {"payment_method": "pm_card_authenticationRequired", "confirm": True, "return_url": "https://shop.example"}
    )
    with pytest.raises(stripe.CardError):
        api.create({"payment_method": "pm_card_chargeDeclined", "confirm": True})


def _disputes(shop: Shop) -> None:
    api = shop.api.disputes
    pay = {"amount": 4200, "currency": "eur", "confirm": True}
    tokens = ("createDispute", "createDisputeProductNotReceived", "createDisputeInquiry", "createIssuerFraudRecord")
    for token in tokens:
        shop.api.payment_intents.create({**pay, "payment_method": f"pm_card_{token}"})
    inquiry, other, fraud = api.list({"expand": ["data.charge", "data.payment_intent"]}).data
    api.update(fraud.id, {"evidence": {"product_description": "a book"}, "submit": False, "metadata": {"a": "b"}})
    api.update(fraud.id, {"evidence": {"uncategorized_text": "winning_evidence"}})
    api.close(other.id)
    api.update(inquiry.id, {"evidence": {"uncategorized_text": "escalate_inquiry_evidence"}})
    api.retrieve(fraud.id, {"expand": ["charge"]})
    warning = shop.api.radar.early_fraud_warnings.list({"expand": ["data.charge"]}).data[0]
    shop.api.radar.early_fraud_warnings.retrieve(warning.id)


def _balance(shop: Shop) -> None:
    shop.api.balance.retrieve()
    shop.advance(3 * 86_400)
    shop.api.balance.retrieve()
    api = shop.api.payouts
    payout = api.create({"amount": 1000, "currency": "eur", "metadata": {"a": "b"}, "expand": ["balance_transaction"]})
    api.update(payout.id, {"metadata": {"c": "d"}})
    api.cancel(payout.id)
    api.create({"amount": 500, "currency": "eur", "method": "instant"})
    api.create({"amount": 600, "currency": "eur"})
    shop.advance(86_400)
    failed = api.list({"status": "paid", "arrival_date": {"gt": 1}}).data[0]
    shop.control("POST", "/settle", {"object": failed.id, "action": "fail_payout"})
    api.retrieve(failed.id, {"expand": ["failure_balance_transaction"]})
    shop.control("POST", "/settle", {"object": "payout_schedule", "action": "pay_out"})
    swept = api.list({"limit": 1}).data[0]
    shop.control("POST", "/settle", {"object": swept.id, "action": "send_payout"})
    listed = shop.api.balance_transactions.list({"limit": 100, "expand": ["data.source"]})
    shop.api.balance_transactions.list({"payout": swept.id, "type": "charge"})
    shop.api.balance_transactions.retrieve(listed.data[0].id)
    _reports(shop)


def _reports(shop: Shop) -> None:
    api = shop.api.reporting
    now = int(shop.control("GET", "/clock")["now_s"])
    for kind in api.report_types.list().data:
        api.report_types.retrieve(kind.id)
        interval = {"interval_start": now - 30 * 86_400, "interval_end": now + 1}
        run = api.report_runs.create({"report_type": kind.id, "parameters": interval})
        done = api.report_runs.retrieve(run.id)
        shop.api.files.retrieve(done.result.id)
    api.report_runs.list()


def _mandates(shop: Shop) -> None:
    online = {"ip_address": "127.0.0.1", "user_agent": "browser"}
    accepted = {"customer_acceptance": {"type": "online", "online": online}}
    intent = shop.api.setup_intents.create(
        {"payment_method": "pm_card_visa", "confirm": True, "mandate_data": accepted, "expand": ["mandate"]}
    )
    shop.api.mandates.retrieve(intent.mandate.id, {"expand": ["payment_method"]})


def _endpoints(shop: Shop) -> None:
    api = shop.api.webhook_endpoints
    # The discard port: nobody listens there, so nothing is delivered.
    endpoint = api.create({"url": "http://127.0.0.1:9/hooks", "enabled_events": ["charge.dispute.created"]})
    api.update(endpoint.id, {"disabled": True, "description": "one"})
    api.retrieve(endpoint.id)
    api.list()
    api.delete(endpoint.id)


def _events(shop: Shop) -> None:
    events = list(shop.api.events.list({"limit": 100}).auto_paging_iter())
    for kind in sorted({event.type for event in events}):
        shop.api.events.list({"type": kind, "limit": 1})
    shop.api.events.retrieve(events[0].id)


def _errors(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        shop.api.payment_intents.create({"amount": 1, "currency": "eur"})
    with pytest.raises(stripe.InvalidRequestError):
        shop.api.payment_intents.retrieve("pi_none")
    assert shop.http("GET", "/v1/nothing").status_code == 404
    assert shop.http("GET", "/v1/customers", authorization="Bearer sk_test_wrong").status_code == 401
    shop.fault({"operation": "read"}, "rate_limit")
    with pytest.raises(stripe.RateLimitError):
        shop.api.charges.list()
    shop.control("DELETE", "/faults")
    shop.fault({"operation": "read"}, "server_error")
    with pytest.raises(stripe.APIError):
        shop.api.charges.list()
    shop.control("DELETE", "/faults")
