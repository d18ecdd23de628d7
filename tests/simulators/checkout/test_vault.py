"""Tokens, instruments and customers, by the official SDK."""

from typing import Any

import pytest
from checkout_sdk.common.common import UpdateCustomerRequest
from checkout_sdk.customers.customers import CustomerRequest
from checkout_sdk.exception import CheckoutApiException
from checkout_sdk.instruments.instruments import (
    CreateCardInstrumentRequest,
    CreateCustomerInstrumentRequest,
    CreateTokenInstrumentRequest,
    UpdateCardInstrumentRequest,
)
from checkout_sdk.tokens.tokens import CardTokenRequest

from tests.simulators.checkout.simulator import VISA, Shop, card


def _token(shop: Shop, number: str = VISA) -> Any:
    request = CardTokenRequest()
    request.number, request.expiry_month, request.expiry_year, request.cvv = number, 12, 2034, "100"
    return shop.api.tokens.request_card_token(request)


def _codes(refused: pytest.ExceptionInfo[CheckoutApiException]) -> Any:
    return refused.value.error_details


def _customer(email: str, name: str = "Ann") -> CustomerRequest:
    request = CustomerRequest()
    request.email, request.name, request.metadata = email, name, {"tier": "gold"}
    return request


def test_a_token_pays_once_and_for_15_minutes(shop: Shop) -> None:
    token = _token(shop)
    assert (token.type, token.last4, token.bin, token.scheme) == ("card", "4242", "424242", "Visa")
    paid = shop.paid(source={"type": "token", "token": token.token})
    assert (paid.approved, paid.source.last4, paid.source.cvv_check) == (True, "4242", "Y")
    with pytest.raises(CheckoutApiException) as refused:
        shop.paid(source={"type": "token", "token": token.token})
    assert _codes(refused) == ["token_used"]
    late = _token(shop)
    shop.advance(901)
    with pytest.raises(CheckoutApiException) as refused:
        shop.paid(source={"type": "token", "token": late.token})
    assert _codes(refused) == ["token_expired"]


def test_a_declined_card_can_be_made_a_token(shop: Shop) -> None:
    token = _token(shop, "4544249167673670")
    assert shop.paid(source={"type": "token", "token": token.token}).response_code == "20051"


def test_instrument_from_a_token(shop: Shop) -> None:
    request = CreateTokenInstrumentRequest()
    request.token = _token(shop).token
    request.customer = CreateCustomerInstrumentRequest()
    request.customer.email, request.customer.name = "ann@example.com", "Ann"
    made = shop.api.instruments.create(request)
    assert (made.type, made.last4, made.customer.email) == ("card", "4242", "ann@example.com")
    kept = shop.api.instruments.get(made.id)
    assert (kept.fingerprint, kept.customer.id, kept.customer.default) == (made.fingerprint, made.customer.id, True)
    paid = shop.paid(source={"type": "id", "id": made.id, "cvv": "204"})
    assert (paid.source.id, paid.source.cvv_check, paid.customer.email) == (made.id, "D", "ann@example.com")
    by_customer = shop.paid(source={"type": "customer", "id": made.customer.id})
    assert by_customer.source.id == made.id
    with pytest.raises(CheckoutApiException) as refused:
        shop.api.instruments.create(request)
    assert _codes(refused) == ["token_used"]


def test_update_instrument(shop: Shop) -> None:
    made = shop.paid().source
    owner = shop.api.customers.create(_customer("bea@example.com"))
    change = UpdateCardInstrumentRequest()
    change.expiry_month, change.expiry_year, change.name = 1, 2035, "Bea"
    change.customer = UpdateCustomerRequest()
    change.customer.id, change.customer.default = owner.id, True
    assert shop.api.instruments.update(made.id, change).fingerprint == made.fingerprint
    kept = shop.api.instruments.get(made.id)
    assert (kept.expiry_month, kept.expiry_year, kept.name, kept.customer.id) == (1, 2035, "Bea", owner.id)
    assert shop.api.customers.get(owner.id).instruments[0].id == made.id
    assert shop.http("PATCH", f"/instruments/{made.id}", {"expiry_month": 13}).json()["error_codes"] == [
        "expiry_month_invalid"
    ]


def test_delete_instrument(shop: Shop) -> None:
    made = shop.paid(customer={"email": "cem@example.com"})
    assert shop.api.instruments.delete(made.source.id).http_metadata.status_code == 204
    with pytest.raises(CheckoutApiException) as refused:
        shop.api.instruments.get(made.source.id)
    assert refused.value.http_metadata.status_code == 404
    with pytest.raises(CheckoutApiException) as refused:
        shop.paid(source={"type": "id", "id": made.source.id})
    assert _codes(refused) == ["source_id_unknown"]
    with pytest.raises(CheckoutApiException) as refused:
        shop.paid(source={"type": "customer", "id": made.customer.id})
    assert _codes(refused) == ["source_invalid"]


def test_one_card_of_one_customer_is_one_instrument(shop: Shop) -> None:
    first, again = shop.paid(), shop.paid()
    other = shop.paid(customer={"email": "dora@example.com"})
    unstored = shop.paid(source=card("5436031030606378", store_for_future_use=False))
    assert first.source.id == again.source.id != other.source.id
    assert not hasattr(unstored.source, "id")


def test_customers(shop: Shop) -> None:
    made = shop.api.customers.create(_customer("eva@example.com"))
    kept = shop.api.customers.get(made.id)
    assert (kept.email, kept.name, kept.metadata.tier, kept.instruments) == ("eva@example.com", "Ann", "gold", [])
    assert shop.api.customers.get("eva@example.com").id == made.id
    with pytest.raises(CheckoutApiException) as refused:
        shop.api.customers.create(_customer("eva@example.com"))
    assert _codes(refused) == ["customer_already_exists"]
    assert shop.http("POST", "/customers", {"name": "x"}).json()["error_codes"] == ["email_required"]
    paid = shop.paid(customer={"email": "eva@example.com"})
    assert (paid.customer.id, paid.customer.name) == (made.id, "Ann")
    change = CustomerRequest()
    change.name, change.default = "Eva", paid.source.id
    assert shop.api.customers.update(made.id, change).http_metadata.status_code == 204
    kept = shop.api.customers.get(made.id)
    assert (kept.name, kept.default, kept.instruments[0].last4) == ("Eva", paid.source.id, "4242")
    assert shop.api.customers.delete(made.id).http_metadata.status_code == 204
    with pytest.raises(CheckoutApiException):
        shop.api.customers.get(made.id)
    assert shop.api.payments.get_payment_details(paid.id).customer.id == made.id
    with pytest.raises(CheckoutApiException):
        shop.api.instruments.get(paid.source.id)


def test_customer_updates_that_are_refused(shop: Shop) -> None:
    first = shop.api.customers.create(_customer("fay@example.com"))
    shop.api.customers.create(_customer("gus@example.com"))
    for change, code in (
        ({"email": "gus@example.com"}, "email_in_use"),
        ({"default": "src_other"}, "default_invalid"),
        ({"email": "x"}, "email_invalid"),
    ):
        assert shop.http("PATCH", f"/customers/{first.id}", change).json()["error_codes"] == [code]


def test_instrument_from_a_card(shop: Shop) -> None:
    request = CreateCardInstrumentRequest()
    request.number, request.expiry_month, request.expiry_year = VISA, 12, 2034
    made = shop.api.instruments.create(request)
    assert (made.type, made.last4) == ("card", "4242")
    for body, codes in (
        ({}, ["type_required"]),
        ({"type": "sepa"}, ["type_invalid"]),
        ({"type": "token"}, ["token_required"]),
        ({"type": "token", "token": "tok_none"}, ["token_invalid"]),
        (
            {"type": "card", "number": VISA, "expiry_month": 1, "expiry_year": 2034, "customer": {}},
            ["customer_email_required"],
        ),
    ):
        assert shop.http("POST", "/instruments", body).json()["error_codes"] == codes


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        ({}, ["token_type_required"]),
        ({"type": "applepay"}, ["token_type_invalid"]),
        ({**card(), "number": "42"}, ["card_number_invalid"]),
    ],
)
def test_wrong_token_requests(shop: Shop, body: dict[str, Any], codes: list[str]) -> None:
    refused = shop.http("POST", "/tokens", body, key=shop.public_key)
    assert (refused.status_code, refused.json()["error_codes"]) == (422, codes)


def test_accounts_do_not_see_each_other(shop: Shop, other_shop: Shop) -> None:
    paid = shop.paid(customer={"email": "hal@example.com"})
    for path in (f"/payments/{paid.id}", f"/instruments/{paid.source.id}", f"/customers/{paid.customer.id}"):
        assert other_shop.http("GET", path).status_code == 404
    assert other_shop.http("GET", "/customers/hal@example.com").status_code == 404
    assert other_shop.http("POST", f"/payments/{paid.id}/refunds", {}).status_code == 404
    assert other_shop.journal() == []
