"""What Adyen refuses, and how: credentials, merchant accounts, missing, wrong and unknown fields, unknown payments."""

import re
from typing import Any

import Adyen
import pytest

from tests.simulators.adyen.simulator import Shop, card

Json = dict[str, Any]
GONE: Any = object()


def without(request: Json, changes: Json) -> Json:
    """The request with fields replaced, or taken out (`GONE`); dots lead into objects."""
    for path, value in changes.items():
        *way, name = path.split(".")
        place = request
        for step in way:
            place = place[step]
        if value is GONE:
            del place[name]
        else:
            place[name] = value
    return request


@pytest.mark.parametrize(
    ("changes", "status", "code", "message"),
    [
        ({"merchantAccount": GONE}, 403, "901", "Invalid Merchant Account"),
        ({"merchantAccount": "Another"}, 403, "901", "Invalid Merchant Account"),
        ({"amount": GONE}, 422, "100", "Required object 'amount' is not provided."),
        ({"amount.currency": GONE}, 422, "100", "amount.currency"),
        ({"amount.currency": "EUX"}, 422, "138", "Unsupported currency"),
        ({"amount.value": -1}, 422, "137", "Invalid amount"),
        ({"amount.value": "42"}, 400, "702", "'value', expected: integer"),
        ({"amount.value": True}, 400, "702", "'value', expected: integer"),
        ({"amount.cents": 1}, 400, "702", "Structure of Amount contains the following unknown fields: [cents]"),
        ({"reference": GONE}, 422, "130", "Reference Missing"),
        ({"reference": ""}, 422, "130", "Reference Missing"),
        ({"returnUrl": GONE}, 422, "14_030", "Return URL is missing."),
        ({"paymentMethod": GONE}, 422, "14_004", "Missing payment method details"),
        ({"paymentMethod": {"type": "scheme"}}, 422, "14_004", "Missing payment method details"),
        ({"paymentMethod": {"type": "paypal"}}, 422, "905", "not supported"),
        ({"paymentMethod": "card"}, 422, "905", "not supported"),
        ({"paymentMethod.number": "4111111111111112"}, 422, "101", "Invalid card number"),
        ({"paymentMethod.pan": "4111111111111111"}, 400, "702", "Structure of CardDetails"),
        ({"paymentMethod.expiryMonth": "13"}, 422, "129", "between 1 and 12"),
        ({"paymentMethod.expiryYear": "30"}, 422, "129", "Expiry Date Invalid"),
        ({"paymentMethod.cvc": "7373"}, 422, "103", "CVC is not the right length"),
        ({"paymentMethod.cvc": "abc"}, 422, "153", "CVC is not valid"),
        ({"paymentMethod.encryptedCardNumber": "adyenjs_0_1", "paymentMethod.number": GONE}, 422, "174", "decrypt"),
        ({"storePaymentMethod": True}, 422, "000", "require a shopperReference"),
        ({"shopperReference": "ab"}, 422, "128", "3 to 256"),
        ({"captureDelayHours": 673}, 422, "702", "between 0 and 672"),
        ({"shopperInteraction": "Guess"}, 400, "702", "Ecommerce | ContAuth | Moto | POS"),
        ({"browserInfo": {"colour": 1}}, 400, "702", "Structure of BrowserInfo"),
        ({"metadata": {"a": [1]}}, 400, "702", "map of strings"),
        ({"bogus": 1, "worse": 2}, 400, "702", "Structure of PaymentRequest contains the following unknown fields: "),
    ],
)  # fmt: skip
def test_a_payment_is_refused(shop: Shop, changes: Json, status: int, code: str, message: str) -> None:
    answer = shop.http("POST", "/v71/payments", without(shop.request(), changes))
    body = answer.json()
    assert (answer.status_code, body["status"], body["errorCode"]) == (status, status, code)
    assert message in body["message"]
    assert body["errorType"] == ("security" if code == "901" else "validation")
    assert re.fullmatch(r"[0-9A-Z]{16}", body["pspReference"])
    assert not re.search(r"[0-9]{12}", body["message"])
    assert (shop.journal(), shop.told()) == ([], [])


def test_test_ciphertext_is_read(shop: Shop) -> None:
    method = {
        "type": "scheme", "encryptedCardNumber": "test_4111111111111111", "encryptedExpiryMonth": "test_03",
        "encryptedExpiryYear": "test_2030", "encryptedSecurityCode": "test_737",
    }  # fmt: skip
    assert shop.pay(paymentMethod=method)["additionalData"]["cvcResult"] == "1 Matches"


@pytest.mark.parametrize("name", ["captures", "cancels", "refunds", "reversals", "amountUpdates"])
def test_a_modification_of_nothing(shop: Shop, name: str) -> None:
    held = shop.held()
    full = shop.modification(4200 if name in ("captures", "refunds", "amountUpdates") else None)
    unknown = shop.http("POST", f"/v71/payments/NOSUCHREFERENCE1/{name}", full)
    assert (unknown.status_code, unknown.json()["errorCode"]) == (422, "167")
    foreign = shop.http("POST", f"/v71/payments/{held}/{name}", {**full, "merchantAccount": "Another"})
    assert (foreign.status_code, foreign.json()["errorCode"]) == (403, "901")
    odd = shop.http("POST", f"/v71/payments/{held}/{name}", {**full, "ammount": 1})
    assert (odd.status_code, odd.json()["errorCode"]) == (400, "702")
    if "amount" in full:
        for amount, code in ((GONE, "100"), ({"currency": "USD", "value": 1}, "138"),
                             ({"currency": "EUR", "value": 0}, "137")):  # fmt: skip
            answer = shop.http("POST", f"/v71/payments/{held}/{name}", without({**full}, {"amount": amount}))
            assert (answer.status_code, answer.json()["errorCode"]) == (422, code)
    assert shop.journal() == [("authorize", 4200)]


def test_what_another_account_has_is_as_absent_as_what_never_was(shop: Shop, other_shop: Shop) -> None:
    payment = other_shop.held()
    answer = shop.http("POST", f"/v71/payments/{payment}/captures", shop.modification(4200))
    assert (answer.status_code, answer.json()["errorCode"]) == (422, "167")
    body = shop.modification(None, paymentReference="order-1")
    shop.modifications.cancel_authorised_payment(body)
    assert shop.items()[-1]["success"] == "false"
    assert other_shop.journal() == [("authorize", 4200)]


def test_credentials_of_nobody(shop: Shop) -> None:
    payments, _, _ = shop.sdk("v71", xapikey="AQEnobody")
    with pytest.raises(Adyen.exceptions.AdyenAPIAuthenticationError) as refused:
        payments.payments(shop.request())
    assert (refused.value.status_code, refused.value.error_code) == (401, "000")
    for headers in ({"x_api_key": ""}, {"x_api_key": "", "authorization": "Basic ???"},
                    {"x_api_key": "", "authorization": f"Bearer {shop.key}"}):  # fmt: skip
        assert shop.http("POST", "/v71/payments", shop.request(), **headers).status_code == 401


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"\xff"])
def test_what_is_no_json_object(shop: Shop, body: bytes) -> None:
    answer = shop.http("POST", "/v71/payments", body)
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "702")


def test_paths_and_methods(shop: Shop) -> None:
    for method, path, status in (("POST", "/v70/payments", 404), ("GET", "/v71/payments", 405)):
        answer = shop.http(method, path)
        assert (answer.status_code, answer.json()["status"]) == (status, status)


def test_the_sdk_tells_refusals_apart(shop: Shop) -> None:
    with pytest.raises(Adyen.exceptions.AdyenAPIUnprocessableEntity) as refused:
        shop.pay(paymentMethod=card("4111111111111112"))
    assert (refused.value.error_code, refused.value.message["message"]) == ("101", "Invalid card number")
    assert refused.value.psp == refused.value.message["pspReference"]
    with pytest.raises(Adyen.exceptions.AdyenAPIInvalidPermission) as forbidden:
        shop.pay(merchantAccount="Another")
    assert forbidden.value.error_code == "901"


def test_queries_of_stored_cards_are_checked(shop: Shop) -> None:
    for query, status in (("", 403), (f"merchantAccount={shop.merchant}", 422)):
        assert shop.http("GET", f"/v71/storedPaymentMethods?{query}").status_code == status
    gone = f"/v71/storedPaymentMethods/NONE?merchantAccount={shop.merchant}&shopperReference=abc"
    assert shop.http("DELETE", gone).json()["errorCode"] == "800"
