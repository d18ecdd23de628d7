"""The official SDK, unchanged, against the simulator: every capability once, with exact money."""

from typing import Any

import pytest
import yaml
from checkout_sdk.checkout_sdk import CheckoutSdk
from checkout_sdk.common.enums import Currency, PaymentSourceType
from checkout_sdk.exception import CheckoutApiException, CheckoutAuthorizationException
from checkout_sdk.payments.payments import (
    AuthorizationRequest,
    CaptureRequest,
    CaptureType,
    PaymentRequest,
    PaymentRequestCardSource,
    PaymentRequestIdSource,
    PaymentsQueryFilter,
    PaymentType,
    RefundRequest,
    ReversePaymentRequest,
    VoidRequest,
)

from simulators.checkout import SIMULATOR
from tests.simulators.checkout.simulator import VISA, Shop, card, pay

DECLINES = yaml.safe_load((SIMULATOR.folder / "rules.yaml").read_text("utf-8"))["declines"]


def _request(**more: Any) -> PaymentRequest:
    source = PaymentRequestCardSource()
    source.number, source.expiry_month, source.expiry_year, source.cvv = VISA, 12, 2034, "100"
    request = PaymentRequest()
    request.source, request.amount, request.currency = source, 4200, Currency.EUR
    for name, value in more.items():
        setattr(request, name, value)
    return request


def _capture(amount: int, kind: CaptureType = CaptureType.FINAL, reference: str = "cap_1") -> CaptureRequest:
    request = CaptureRequest()
    request.amount, request.capture_type, request.reference = amount, kind, reference
    return request


def test_pay(shop: Shop) -> None:
    """Approved, shown as authorized; the automatic capture follows and is told apart from it."""
    request = _request(reference="att_1", metadata={"payera_payment": "pay_1"})
    paid = shop.api.payments.request_payment(request, "key-1")
    assert paid.http_metadata.status_code == 201
    assert (paid.approved, paid.status, paid.response_code, paid.response_summary) == (
        True,
        "Authorized",
        "10000",
        "Approved",
    )
    assert (paid.amount, paid.currency, paid.reference) == (4200, "EUR", "att_1")
    assert (paid.source.type, paid.source.last4, paid.source.bin, paid.source.scheme) == (
        "card",
        "4242",
        "424242",
        "Visa",
    )
    assert (paid.source.cvv_check, len(paid.scheme_id), len(paid.auth_code)) == ("Y", 15, 6)
    details = shop.api.payments.get_payment_details(paid.id)
    assert (details.status, details.balances.total_captured, details.balances.available_to_refund) == (
        "Captured",
        4200,
        4200,
    )
    actions = shop.api.payments.get_payment_actions(paid.id).items
    assert [(action.type, action.amount, action.approved) for action in actions] == [
        ("Capture", 4200, True),
        ("Authorization", 4200, True),
    ]
    [entry] = shop.entries()
    assert (entry["kind"], entry["amount"], entry["object"], entry["reference"], entry["payment"]) == (
        "charge",
        4200,
        paid.id,
        "att_1",
        "pay_1",
    )


@pytest.mark.parametrize("prefix", ["20", "30", "41", "42", "43", "50"])
def test_every_documented_decline(shop: Shop, prefix: str) -> None:
    """Each class, each code of it: 201, not approved, with the code and its words, and no money moved."""
    codes = [code for code in DECLINES if code.startswith(prefix)]
    assert codes
    for code in codes:
        fault = shop.fault({"operation": "authorize"}, {"action": "decline", "code": code})
        declined = shop.paid()
        shop.control("DELETE", f"/faults/{fault}")
        assert (declined.http_metadata.status_code, declined.approved, declined.status) == (201, False, "Declined")
        assert (declined.response_code, declined.response_summary) == (code, DECLINES[code]["message"])
        assert declined.risk.flagged is (prefix[0] == "4")
        processing = vars(declined.processing)
        assert processing.get("recommendation_code") == DECLINES[code].get("recommendation")
        assert not hasattr(declined._links, "capture")
    assert {kind for kind, _, _ in shop.journal()} == {"decline"}
    assert [entry["code"] for entry in shop.entries()] == codes


def test_partial_capture_releases_the_rest(shop: Shop) -> None:
    held = shop.held(reference="att_1")
    accepted = shop.api.payments.capture_payment(held.id, _capture(1000))
    assert (accepted.http_metadata.status_code, accepted.reference) == (202, "cap_1")
    details = shop.api.payments.get_payment_details(held.id)
    assert (details.status, details.balances.total_captured, details.balances.available_to_capture) == (
        "Partially Captured",
        1000,
        0,
    )
    with pytest.raises(CheckoutApiException) as refused:
        shop.api.payments.capture_payment(held.id, _capture(1))
    assert refused.value.http_metadata.status_code == 403
    [_, entry] = shop.entries()
    assert (entry["kind"], entry["amount"], entry["object"], entry["parent"], entry["reference"]) == (
        "capture",
        1000,
        accepted.action_id,
        held.id,
        "cap_1",
    )


def test_captures_in_parts(shop: Shop) -> None:
    held = shop.held()
    for amount, kind in ((1000, CaptureType.NON_FINAL), (2000, CaptureType.NON_FINAL), (1200, CaptureType.FINAL)):
        shop.api.payments.capture_payment(held.id, _capture(amount, kind))
    assert shop.status(held.id) == "Captured"
    assert shop.journal() == [
        ("authorize", 4200, "EUR"),
        ("capture", 1000, "EUR"),
        ("capture", 2000, "EUR"),
        ("capture", 1200, "EUR"),
    ]


def test_capture_without_a_body_takes_what_is_left(shop: Shop) -> None:
    held = shop.held()
    shop.api.payments.capture_payment(held.id, _capture(1000, CaptureType.NON_FINAL))
    shop.api.payments.capture_payment(held.id)
    assert shop.journal()[1:] == [("capture", 1000, "EUR"), ("capture", 3200, "EUR")]


def test_capture_of_too_much(shop: Shop) -> None:
    held = shop.held()
    shop.api.payments.capture_payment(held.id, _capture(1000, CaptureType.NON_FINAL))
    for amount, code in ((3201, "remaining_authorized"), (4201, "authorized")):
        with pytest.raises(CheckoutApiException) as refused:
            shop.api.payments.capture_payment(held.id, _capture(amount))
        assert refused.value.error_details == [f"capture_value_greater_than_{code}"]
        assert (refused.value.error_type, refused.value.http_metadata.status_code) == ("request_invalid", 422)
        assert refused.value.request_id


def test_void(shop: Shop) -> None:
    held = shop.held(metadata={"payera_payment": "pay_1"})
    request = VoidRequest()
    request.reference = "void_1"
    accepted = shop.api.payments.void_payment(held.id, request)
    assert (shop.status(held.id), accepted.reference) == ("Voided", "void_1")
    [_, entry] = shop.entries()
    assert (entry["kind"], entry["amount"], entry["reference"], entry["payment"]) == ("void", 4200, "void_1", "pay_1")
    for again in (shop.api.payments.void_payment, shop.api.payments.capture_payment, shop.api.payments.refund_payment):
        with pytest.raises(CheckoutApiException) as refused:
            again(held.id)
        assert refused.value.http_metadata.status_code == 403


def test_what_is_captured_cannot_be_voided(shop: Shop) -> None:
    held = shop.held()
    shop.api.payments.capture_payment(held.id, _capture(1000, CaptureType.NON_FINAL))
    with pytest.raises(CheckoutApiException) as refused:
        shop.api.payments.void_payment(held.id)
    assert refused.value.http_metadata.status_code == 403


def test_partial_voids_are_refused_not_widened(shop: Shop) -> None:
    held = shop.held()
    request = VoidRequest()
    request.amount = 1000
    with pytest.raises(CheckoutApiException) as refused:
        shop.api.payments.void_payment(held.id, request)
    assert refused.value.error_details == ["void_amount_invalid"]
    assert shop.status(held.id) == "Authorized"


def test_partial_refunds(shop: Shop) -> None:
    paid = shop.paid()
    request = RefundRequest()
    request.amount, request.reference, request.metadata = 1200, "ref_1", {"payera_payment": "pay_9"}
    shop.api.payments.refund_payment(paid.id, request)
    assert shop.status(paid.id) == "Partially Refunded"
    request.amount = 3001
    with pytest.raises(CheckoutApiException) as refused:
        shop.api.payments.refund_payment(paid.id, request)
    assert refused.value.error_details == ["refund_amount_exceeds_balance"]
    shop.api.payments.refund_payment(paid.id)
    assert shop.status(paid.id) == "Refunded"
    assert shop.journal() == [("charge", 4200, "EUR"), ("refund", 1200, "EUR"), ("refund", 3000, "EUR")]
    assert [entry["payment"] for entry in shop.entries()] == [None, "pay_9", None]
    with pytest.raises(CheckoutApiException) as refused:
        shop.api.payments.refund_payment(paid.id)
    assert refused.value.http_metadata.status_code == 403


def test_reversal_voids_or_refunds(shop: Shop) -> None:
    request = ReversePaymentRequest()
    request.reference = "void_7"
    held, paid = shop.held(), shop.paid()
    shop.api.payments.reverse_payment(held.id, request)
    shop.api.payments.reverse_payment(paid.id)
    assert (shop.status(held.id), shop.status(paid.id)) == ("Voided", "Refunded")
    assert [kind for kind, _, _ in shop.journal()] == ["authorize", "charge", "void", "refund"]


def test_increment(shop: Shop) -> None:
    held = shop.held(authorization_type="Estimated")
    request = AuthorizationRequest()
    request.amount, request.reference = 800, "inc_1"
    more = shop.api.payments.increment_payment_authorization(held.id, request)
    assert (more.approved, more.status, more.amount, more.balances.total_authorized) == (
        True,
        "Authorized",
        5000,
        5000,
    )
    fault = shop.fault({"operation": "authorize"}, {"action": "decline", "code": "51"})
    declined = shop.api.payments.increment_payment_authorization(held.id, request)
    assert (declined.approved, declined.status, declined.response_code, declined.amount) == (
        False,
        "Declined",
        "20051",
        5000,
    )
    shop.control("DELETE", f"/faults/{fault}")
    shop.api.payments.capture_payment(held.id)
    assert shop.journal() == [
        ("authorize", 4200, "EUR"),
        ("authorize", 800, "EUR"),
        ("decline", 800, "EUR"),
        ("capture", 5000, "EUR"),
    ]
    with pytest.raises(CheckoutApiException) as refused:
        shop.api.payments.increment_payment_authorization(shop.held().id, request)
    assert refused.value.http_metadata.status_code == 403


def test_list_by_reference(shop: Shop) -> None:
    ids = [shop.paid(reference="att_1").id for _ in range(3)]
    shop.paid(reference="att_2")
    query = PaymentsQueryFilter()
    query.reference, query.limit, query.skip = "att_1", 2, 1
    found = shop.api.payments.get_payments_list(query)
    assert (found.total_count, found.limit, found.skip) == (3, 2, 1)
    assert [payment.id for payment in found.data] == ids[::-1][1:]


def test_idempotent_replay(shop: Shop) -> None:
    first = shop.api.payments.request_payment(_request(), "key-1")
    again = shop.api.payments.request_payment(_request(), "key-1")
    other = shop.api.payments.request_payment(_request(), "key-2")
    assert (again.id, again.action_id) == (first.id, first.action_id)
    assert other.id != first.id
    refunds = [shop.api.payments.refund_payment(first.id, None, "key-3") for _ in range(2)]
    assert refunds[0].action_id == refunds[1].action_id
    assert shop.journal() == [("charge", 4200, "EUR"), ("charge", 4200, "EUR"), ("refund", 4200, "EUR")]


def test_stored_credential(shop: Shop) -> None:
    """A payment that the shopper starts, then one that the merchant starts with what was stored."""
    first = shop.api.payments.request_payment(_request(payment_type=PaymentType.RECURRING))
    source = PaymentRequestIdSource()
    source.id = first.source.id
    assert source.type == PaymentSourceType.ID
    later = shop.api.payments.request_payment(
        _request(
            source=source,
            amount=990,
            payment_type=PaymentType.UNSCHEDULED,
            merchant_initiated=True,
            previous_payment_id=first.id,
        )
    )
    assert (later.approved, later.source.id, later.source.last4) == (True, first.source.id, "4242")
    assert not hasattr(later.source, "cvv_check")
    assert shop.api.payments.get_payment_details(later.id).payment_type == "Unscheduled"
    assert later.scheme_id != first.scheme_id
    moto = shop.paid(payment_type="MOTO", merchant_initiated=True, previous_payment_id="489341065491658")
    assert (moto.approved, shop.api.payments.get_payment_details(moto.id).payment_type) == (True, "MOTO")
    with pytest.raises(CheckoutApiException) as refused:
        shop.paid(previous_payment_id="pay_aaaaaaaaaaaaaaaaaaaaaaaaaa")
    assert refused.value.error_details == ["previous_payment_id_invalid"]


@pytest.mark.parametrize("amount", [0, None])
def test_card_verification(shop: Shop, amount: int | None) -> None:
    verified = shop.api.payments.request_payment(pay(amount))
    assert (verified.approved, verified.status, verified.amount) == (True, "Card Verified", 0)
    assert shop.status(verified.id) == "Card Verified"
    [action] = shop.api.payments.get_payment_actions(verified.id).items
    assert (action.type, action.amount) == ("Card Verification", 0)
    declined = shop.api.payments.request_payment(pay(amount, source=card("4544249167673670")))
    assert (declined.approved, declined.status, declined.response_code) == (False, "Declined", "20051")
    assert shop.journal() == [("decline", 0, "EUR")]


def test_oauth(shop: Shop) -> None:
    """An access token works like a key, and has to name its channel."""
    builder = CheckoutSdk.builder().oauth().client_credentials(shop.public_key, shop.key)
    api = shop.built(builder.scopes(["gateway"]))
    paid = api.payments.request_payment(pay(processing_channel_id=shop.channel))
    assert paid.approved is True
    with pytest.raises(CheckoutApiException) as refused:
        api.payments.request_payment(pay())
    assert refused.value.error_details == ["processing_channel_id_required"]
    with pytest.raises(CheckoutAuthorizationException, match="invalid_client"):
        shop.built(CheckoutSdk.builder().oauth().client_credentials("ack_other", shop.key))
