"""Paying, capturing, giving back: the official SDK, unchanged, against the simulator."""

from typing import Any

import Adyen
import pytest

from tests.simulators.adyen.simulator import FRICTIONLESS, MASTERCARD, Shop, card

Json = dict[str, Any]


def test_a_payment_is_captured_at_once_unless_told_otherwise(shop: Shop) -> None:
    answer = shop.pay(4200, reference="att_1", metadata={"payera_payment": "pay_1"})
    assert (answer["resultCode"], answer["merchantReference"]) == ("Authorised", "att_1")
    assert answer["amount"] == {"currency": "EUR", "value": 4200}
    assert answer["paymentMethod"] == {"type": "scheme", "brand": "visa"}
    assert len(answer["pspReference"]) == 16
    data = answer["additionalData"]
    assert (data["cardSummary"], data["cardBin"], data["expiryDate"]) == ("1111", "411111", "3/2030")
    assert (data["cvcResult"], data["refusalReasonRaw"]) == ("1 Matches", "AUTHORISED")
    (entry,) = shop.entries()
    kept = {key: entry[key] for key in ("kind", "amount", "currency", "object", "reference", "payment")}
    assert kept == {
        "kind": "charge", "amount": 4200, "currency": "EUR", "object": answer["pspReference"], "reference": "att_1",
        "payment": "pay_1",
    }  # fmt: skip
    (item,) = shop.items()
    assert item["reason"] == f"{data['authCode']}:1111:03/2030"
    assert item["operations"] == ["CANCEL", "CAPTURE", "REFUND"]
    assert item["additionalData"]["metadata.payera_payment"] == "pay_1"
    assert "originalReference" not in item


@pytest.mark.parametrize("version", ["v71", "v72"])
def test_both_versions_and_both_ways_to_sign_in(shop: Shop, version: str) -> None:
    for credentials in ({"xapikey": shop.key}, {"username": "ws@Company.Shop", "password": shop.key}):
        payments, modifications, _ = shop.sdk(version, **credentials)
        paid = payments.payments(shop.request(additionalData={"manualCapture": "true"})).message
        body = shop.modification(4200)
        assert modifications.capture_authorised_payment(body, paid["pspReference"]).status_code == 201
    assert shop.journal() == [("authorize", 4200), ("capture", 4200)] * 2


def test_captures_in_parts_and_never_more_than_authorised(shop: Shop) -> None:
    payment = shop.held(4200)
    first = shop.capture(payment, 1000, "cap_1")
    assert (first["status"], first["paymentPspReference"], first["reference"]) == ("received", payment, "cap_1")
    assert first["pspReference"] != payment
    shop.capture(payment, 3000, "cap_2")
    shop.capture(payment, 201, "cap_3")
    shop.capture(payment, 200)
    assert shop.journal() == [("authorize", 4200), ("capture", 1000), ("capture", 3000), ("capture", 200)]
    assert [entry["reference"] for entry in shop.entries()] == ["order-1", "cap_1", "cap_2", None]
    assert {entry["parent"] for entry in shop.entries()[1:]} == {payment}
    told = [
        (item["eventCode"], item["success"], item["reason"], item["merchantReference"]) for item in shop.items()[1:]
    ]
    assert told == [
        ("CAPTURE", "true", "", "cap_1"),
        ("CAPTURE", "true", "", "cap_2"),
        ("CAPTURE", "false", "Insufficient balance on payment", "cap_3"),
        ("CAPTURE", "true", "", "order-1"),
    ]
    assert {item["originalReference"] for item in shop.items()[1:]} == {payment}


def test_an_account_without_multiple_captures_releases_the_rest(bench: Any) -> None:
    one = bench.shop(settings={"partial_captures": "single"})
    payment = one.held(4200)
    one.capture(payment, 1000)
    one.capture(payment, 1000)
    assert one.journal() == [("authorize", 4200), ("capture", 1000)]
    one.close()


def test_a_captured_payment_is_not_captured_again(shop: Shop) -> None:
    payment = shop.pay()["pspReference"]
    shop.capture(payment)
    assert shop.journal() == [("charge", 4200)]
    assert shop.told() == [("AUTHORISATION", "true"), ("CAPTURE", "false")]


def test_cancel_by_reference_of_adyen(shop: Shop) -> None:
    payment = shop.held()
    answer = shop.cancel(payment, "void_1")
    assert (answer["status"], answer["paymentPspReference"]) == ("received", payment)
    shop.cancel(payment)
    shop.capture(payment)
    assert shop.journal() == [("authorize", 4200), ("void", 4200)]
    assert shop.told()[1:] == [("CANCELLATION", "true"), ("CANCELLATION", "false"), ("CAPTURE", "false")]
    assert shop.items()[2]["reason"] == "Transaction cannot be cancelled"


def test_cancel_of_what_is_left_after_a_partial_capture(shop: Shop) -> None:
    payment = shop.held(4200)
    shop.capture(payment, 1000)
    shop.cancel(payment)
    shop.refund(payment, 1000)
    assert shop.journal() == [("authorize", 4200), ("capture", 1000), ("void", 3200), ("refund", 1000)]


def test_technical_cancel_by_the_merchants_reference(shop: Shop) -> None:
    shop.held(4200, reference="att_9")
    body = shop.modification(None, "void_9", paymentReference="att_9")
    answer = shop.modifications.cancel_authorised_payment(body).message
    assert (answer["status"], answer["paymentReference"], answer["reference"]) == ("received", "att_9", "void_9")
    assert shop.journal() == [("authorize", 4200), ("void", 4200)]
    item = shop.items()[-1]
    assert (item["eventCode"], item["success"], item["merchantReference"]) == ("TECHNICAL_CANCEL", "true", "att_9")
    unknown = shop.modification(None, paymentReference="never-seen")
    assert shop.modifications.cancel_authorised_payment(unknown).message["status"] == "received"
    item = shop.items()[-1]
    assert (item["success"], item["reason"], item["merchantReference"]) == ("false", "Payment not found", "never-seen")


def test_refunds_in_parts_and_never_more_than_captured(shop: Shop) -> None:
    payment = shop.pay(4200)["pspReference"]
    answer = shop.refund(payment, 1000, "ref_1", merchantRefundReason="CUSTOMER REQUEST")
    assert (answer["status"], answer["merchantRefundReason"]) == ("received", "CUSTOMER REQUEST")
    shop.refund(payment, 3201, "ref_2")
    shop.refund(payment, 3200, "ref_3")
    assert shop.journal() == [("charge", 4200), ("refund", 1000), ("refund", 3200)]
    assert [item["success"] for item in shop.items()[1:]] == ["true", "false", "true"]
    shop.refund(shop.held(), 100)
    assert shop.items()[-1]["reason"] == "Transaction hasn't been captured, refund not possible"


@pytest.mark.parametrize(("captured", "action", "moved"), [(False, "cancel", "void"), (True, "refund", "refund")])
def test_a_reversal_cancels_or_refunds(shop: Shop, captured: bool, action: str, moved: str) -> None:
    payment = shop.pay()["pspReference"] if captured else shop.held()
    body = shop.modification(None, "void_1")
    assert shop.modifications.refund_or_cancel_payment(body, payment).message["status"] == "received"
    assert shop.journal()[-1] == (moved, 4200)
    item = shop.items()[-1]
    assert (item["eventCode"], item["success"]) == ("CANCEL_OR_REFUND", "true")
    assert item["additionalData"]["modification.action"] == action
    assert item["amount"] == {"currency": "EUR", "value": 4200}


def test_the_authorised_amount_goes_up_and_down(shop: Shop) -> None:
    payment = shop.held(4200)
    for value in (5000, 3000):
        body = shop.modification(value, "adj", industryUsage="delayedCharge")
        assert shop.modifications.update_authorised_amount(body, payment).message["status"] == "received"
    shop.capture(payment, 3001)
    shop.capture(payment, 3000)
    assert shop.journal() == [("authorize", 4200), ("authorize", 800), ("void", 2000), ("capture", 3000)]
    assert shop.told()[1:] == [
        ("AUTHORISATION_ADJUSTMENT", "true"), ("AUTHORISATION_ADJUSTMENT", "true"), ("CAPTURE", "false"),
        ("CAPTURE", "true"),
    ]  # fmt: skip


def test_a_delayed_capture_happens_on_the_clock_unless_it_is_cancelled(shop: Shop) -> None:
    first = shop.pay(captureDelayHours=24)["pspReference"]
    second = shop.pay(1000, captureDelayHours=24)["pspReference"]
    shop.cancel(second)
    assert shop.journal() == [("authorize", 4200), ("authorize", 1000), ("void", 1000)]
    shop.advance(24 * 3600)
    assert shop.journal()[3:] == [("capture", 4200)]
    shop.refund(first, 4200)
    assert shop.journal()[4:] == [("refund", 4200)]


def test_the_account_says_when_payments_are_captured(shop: Shop) -> None:
    shop.control("PUT", "/lifecycle", {"automatic_capture": "manual"})
    shop.pay(1000)
    shop.pay(2000, additionalData={"manualCapture": "false"})
    shop.control("PUT", "/lifecycle", {"automatic_capture": {"after": 60}})
    shop.pay(3000)
    shop.advance(60)
    assert shop.journal() == [("authorize", 1000), ("charge", 2000), ("authorize", 3000), ("capture", 3000)]


def test_a_card_is_kept_by_the_shopper_and_charged_without_him(shop: Shop) -> None:
    keeping = {"storePaymentMethod": True, "shopperReference": "shopper-7", "recurringProcessingModel": "Subscription"}
    first = shop.pay(paymentMethod=card(MASTERCARD), shopperInteraction="Ecommerce", **keeping)
    data = first["additionalData"]
    token = data["tokenization.storedPaymentMethodId"]
    assert (data["tokenization.shopperReference"], data["tokenization.store.operationType"]) == ("shopper-7", "created")
    assert data["networkTxReference"].startswith("MCC")
    again = shop.pay(paymentMethod=card(MASTERCARD), **keeping)["additionalData"]
    assert again["tokenization.storedPaymentMethodId"] == token
    assert again["tokenization.store.operationType"] == "alreadyExisting"
    charged = shop.pay(
        999,
        paymentMethod={"type": "scheme", "storedPaymentMethodId": token},
        shopperReference="shopper-7",
        shopperInteraction="ContAuth",
        recurringProcessingModel="Subscription",
    )
    assert charged["resultCode"] == "Authorised"
    assert charged["additionalData"]["shopperInteraction"] == "ContAuth"
    assert "cvcResult" not in charged["additionalData"]
    assert shop.journal() == [("charge", 4200), ("charge", 4200), ("charge", 999)]
    codes = [code for code, _ in shop.told()]
    assert codes.count("RECURRING_CONTRACT") == 1


def test_a_card_of_another_scheme_is_charged_by_its_network_reference(shop: Shop) -> None:
    reference = shop.pay(0)["additionalData"]["networkTxReference"]
    method = card(networkPaymentReference=reference)
    del method["cvc"]
    answer = shop.pay(
        500, paymentMethod=method, shopperInteraction="ContAuth", recurringProcessingModel="UnscheduledCardOnFile"
    )
    assert answer["resultCode"] == "Authorised"
    assert answer["additionalData"]["recurringProcessingModel"] == "UnscheduledCardOnFile"
    assert shop.journal() == [("authorize", 0), ("charge", 500)]


def test_no_challenge_without_the_shopper(shop: Shop) -> None:
    for interaction in ("ContAuth", "Moto"):
        answer = shop.pay(paymentMethod=card(FRICTIONLESS), shopperInteraction=interaction)
        assert answer["resultCode"] == "Authorised"


def test_stored_cards_are_made_listed_and_deleted(shop: Shop) -> None:
    body = {
        "merchantAccount": shop.merchant, "shopperReference": "shopper-8", "paymentMethod": card(),
        "recurringProcessingModel": "CardOnFile", "shopperEmail": "ann@example.com",
    }  # fmt: skip
    made = shop.recurring.stored_payment_methods(body).message
    assert (made["lastFour"], made["expiryMonth"], made["brand"], made["type"]) == ("1111", "03", "visa", "scheme")
    query = {"merchantAccount": shop.merchant, "shopperReference": "shopper-8"}
    listed = shop.recurring.get_tokens_for_stored_payment_details(query_parameters=query).message
    assert [one["id"] for one in listed["storedPaymentMethods"]] == [made["id"]]
    offered = shop.payments.payment_methods(query).message
    assert [one["id"] for one in offered["storedPaymentMethods"]] == [made["id"]]
    shop.recurring.delete_token_for_stored_payment_details(made["id"], query_parameters=query)
    listed = shop.recurring.get_tokens_for_stored_payment_details(query_parameters=query).message
    assert listed["storedPaymentMethods"] == []
    with pytest.raises(Adyen.exceptions.AdyenAPIUnprocessableEntity) as refused:
        shop.pay(paymentMethod={"type": "scheme", "storedPaymentMethodId": made["id"]}, shopperReference="shopper-8")
    assert refused.value.error_code == "800"


def test_what_can_be_paid_with_and_the_brand_of_a_number(shop: Shop) -> None:
    methods = shop.payments.payment_methods({"merchantAccount": shop.merchant, "blockedPaymentMethods": ["ideal"]})
    assert [one["type"] for one in methods.message["paymentMethods"]] == ["scheme"]
    asked = {"merchantAccount": shop.merchant, "cardNumber": "411111", "supportedBrands": ["mc"]}
    assert shop.payments.card_details(asked).message == {"brands": [{"type": "visa", "supported": False}]}


def test_a_session_is_active_for_an_hour(shop: Shop) -> None:
    body = {key: value for key, value in shop.request().items() if key != "paymentMethod"}
    made = shop.payments.sessions({**body, "mode": "hosted"}).message
    asked = {"query_parameters": {"sessionResult": made["sessionData"]}}
    assert shop.payments.get_result_of_payment_session(made["id"], **asked).message["status"] == "active"
    shop.advance(3600)
    assert shop.payments.get_result_of_payment_session(made["id"], **asked).message["status"] == "expired"


def test_amounts_of_the_journal_are_iso_minor_units(shop: Shop) -> None:
    payment = shop.held(420_000, currency="ISK")
    shop.capture(payment, 100_000, currency="ISK")
    shop.pay(42, currency="IDR")
    assert shop.journal() == [("authorize", 4200), ("capture", 1000), ("charge", 4200)]
    assert shop.items()[0]["amount"] == {"currency": "ISK", "value": 420_000}
