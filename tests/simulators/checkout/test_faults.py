"""The fault catalogue as the official SDK meets it. The journal tells the truth."""

from typing import Any

import pytest
import requests
from checkout_sdk.exception import CheckoutApiException, CheckoutException

from tests.simulators.checkout.simulator import Bench, Shop, card, pay

OPERATIONS = {"authorize": "charge", "capture": "capture", "void": "void", "refund": "refund"}


def _call(shop: Shop, operation: str) -> Any:
    """A call of the operation on something ready for it; the second call repeats the first."""
    api = shop.api.payments
    if operation == "authorize":
        return lambda: api.request_payment(pay(reference="att_1"), "key")
    payment = shop.paid() if operation == "refund" else shop.held()
    method = {"capture": api.capture_payment, "void": api.void_payment, "refund": api.refund_payment}[operation]
    return lambda: method(payment.id, None, "key")


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_lost_answer_is_found_by_the_same_key(shop: Shop, operation: str) -> None:
    call = _call(shop, operation)
    before = shop.journal()
    shop.fault({"operation": operation}, "commit_then_lose_response", times=1, per="request")
    with pytest.raises(CheckoutException):
        call()
    assert shop.journal() == [*before, (OPERATIONS[operation], 4200, "EUR")]
    assert call().http_metadata.status_code in (201, 202)
    assert shop.journal() == [*before, (OPERATIONS[operation], 4200, "EUR")]
    seen = [line for line in shop.requests_seen() if line["operation"] == operation][-2:]
    assert [(line["committed"], line["status"] is None) for line in seen] == [(True, True), (False, False)]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_reset_before_the_commit_moves_nothing(shop: Shop, operation: str) -> None:
    call = _call(shop, operation)
    before = shop.journal()
    shop.fault({"operation": operation}, "reset_before_commit", times=1, per="request")
    with pytest.raises(CheckoutException):
        call()
    assert shop.journal() == before
    call()
    assert shop.journal() == [*before, (OPERATIONS[operation], 4200, "EUR")]


def test_a_lost_payment_is_found_by_reference(shop: Shop) -> None:
    shop.fault({"operation": "authorize"}, "commit_then_lose_response", times=1)
    with pytest.raises(CheckoutException):
        shop.paid(reference="att_7")
    [found] = shop.http("GET", "/payments?reference=att_7").json()["data"]
    assert (found["status"], found["amount"], found["reference"]) == ("Captured", 4200, "att_7")


def test_a_decline_with_the_schemes_advice(shop: Shop) -> None:
    shop.fault({"operation": "authorize"}, {"action": "decline", "code": "20005", "advice": "03"}, times=1)
    declined = shop.paid()
    assert (declined.response_code, declined.processing.recommendation_code) == ("20005", "03")


def test_rate_limit(shop: Shop) -> None:
    shop.fault({"operation": "authorize"}, {"action": "rate_limit", "retry_after": 3}, times=1)
    limited = shop.http("POST", "/payments", pay())
    assert (limited.status_code, limited.json()["error_codes"]) == (429, ["api_calls_quota_exceeded"])
    assert limited.headers["retry-after"] == "3"
    assert shop.journal() == []


@pytest.mark.parametrize("status", [500, 502, 503])
@pytest.mark.parametrize("commit", [False, True])
def test_server_errors(shop: Shop, status: int, commit: bool) -> None:
    shop.fault({"operation": "authorize"}, {"action": "server_error", "status": status, "commit": commit}, times=1)
    with pytest.raises(CheckoutApiException) as failed:
        shop.paid()
    assert failed.value.http_metadata.status_code == status
    assert shop.journal() == ([("charge", 4200, "EUR")] if commit else [])


@pytest.mark.parametrize("damage", ["truncated_body", "malformed_body"])
def test_damaged_answers(bench: Bench, shop: Shop, damage: str) -> None:
    bench.recorder.broken_on_purpose = True
    shop.fault({"operation": "authorize"}, damage, times=1)
    with pytest.raises((CheckoutException, requests.exceptions.RequestException, ValueError)):
        shop.paid()
    assert shop.journal() == [("charge", 4200, "EUR")]


def test_latency(shop: Shop) -> None:
    shop.fault({"operation": "authorize"}, {"action": "latency", "seconds": 0.3}, times=1)
    answer = shop.http("POST", "/payments", pay())
    assert answer.elapsed.total_seconds() >= 0.3


def test_wrong_amounts_show_in_every_place(shop: Shop) -> None:
    shop.fault({"operation": "authorize"}, {"action": "wrong_amount", "amount": 4100}, times=1)
    shop.fault({"operation": "capture"}, {"action": "wrong_amount", "amount": 1000}, times=1)
    held = shop.held()
    assert (held.amount, held.balances.total_authorized) == (4100, 4100)
    shop.api.payments.capture_payment(held.id)
    assert shop.api.payments.get_payment_details(held.id).balances.total_captured == 1000
    assert shop.journal() == [("authorize", 4100, "EUR"), ("capture", 1000, "EUR")]


@pytest.mark.parametrize(("then", "status", "kind"), [("approve", "Captured", "charge"), ("51", "Declined", "decline")])
def test_a_pending_payment_settles_on_the_clock(shop: Shop, then: str, status: str, kind: str) -> None:
    shop.fault({"operation": "authorize"}, {"action": "pending", "seconds": 60, "then": then})
    pending = shop.paid()
    assert (pending.http_metadata.status_code, pending.status) == (202, "Pending")
    assert not hasattr(pending._links, "redirect")
    assert shop.http("GET", f"/payments/{pending.id}/actions").json() == []
    shop.advance(61)
    assert shop.status(pending.id) == status
    assert [entry for entry, _, _ in shop.journal()] == [kind]
    assert shop.events()[0]["type"] == "payment_pending"


def test_a_pending_payment_is_settled_by_hand(shop: Shop) -> None:
    shop.fault({"operation": "authorize"}, "pending", times=3)
    payments = [shop.paid() for _ in range(3)]
    for payment, action in zip(payments, (None, "approve", "decline"), strict=True):
        shop.settle(payment.id, action)
    assert [shop.status(one.id) for one in payments] == ["Captured", "Captured", "Declined"]


@pytest.mark.parametrize("operation", ["capture", "void", "refund"])
def test_a_pending_operation_holds_its_amount(shop: Shop, operation: str) -> None:
    call = _call(shop, operation)
    shop.fault({"operation": operation}, {"action": "pending", "seconds": 60})
    accepted = call()
    payment = accepted._links.payment.href.rpartition("/")[2]
    name = {"capture": "captures", "void": "voids", "refund": "refunds"}[operation]
    assert shop.http("POST", f"/payments/{payment}/{name}", {}).status_code == 403
    assert len(shop.journal()) == 1
    shop.advance(61)
    assert shop.journal()[-1] == (operation, 4200, "EUR")


@pytest.mark.parametrize(
    ("operation", "status"), [("capture", "Authorized"), ("void", "Authorized"), ("refund", "Captured")]
)
def test_a_declined_operation_is_accepted_first_and_leaves_things_as_they_were(
    shop: Shop, operation: str, status: str
) -> None:
    call = _call(shop, operation)
    shop.fault({"operation": operation}, {"action": "decline", "code": "20005"}, times=1)
    accepted = call()
    assert accepted.http_metadata.status_code == 202
    payment = accepted._links.payment.href.rpartition("/")[2]
    assert shop.status(payment) == status
    action = shop.api.payments.get_payment_actions(payment).items[0]
    assert (action.id, action.approved, action.response_code) == (accepted.action_id, False, "20005")
    assert shop.events()[-1]["type"] == f"payment_{operation}_declined"
    assert shop.journal()[-1] == ("decline", 4200, "EUR")
    name = {"capture": "captures", "void": "voids", "refund": "refunds"}[operation]
    assert shop.http("POST", f"/payments/{payment}/{name}", {}).status_code == 202


def test_lifecycles_of_operations(shop: Shop) -> None:
    """Captures that are processed later, automatic ones among them; refunds that wait for a hand."""
    shop.control("PUT", "/lifecycle", {"capture": {"after": 3600}, "refund": "manual"})
    held, paid = shop.held(), shop.paid(reference="att_1")
    shop.api.payments.capture_payment(held.id)
    assert (shop.status(held.id), shop.status(paid.id)) == ("Authorized", "Authorized")
    assert shop.http("POST", f"/payments/{held.id}/voids", {}).status_code == 403
    assert shop.journal() == [("authorize", 4200, "EUR"), ("authorize", 4200, "EUR")]
    shop.advance(3601)
    assert (shop.status(held.id), shop.status(paid.id)) == ("Captured", "Captured")
    assert [(e["kind"], e["reference"], e["object"]) for e in shop.entries()][2:] == [
        ("capture", "att_1", paid.id),
        ("capture", None, shop.api.payments.get_payment_actions(held.id).items[0].id),
    ]
    refund = shop.api.payments.refund_payment(paid.id)
    assert shop.status(paid.id) == "Captured"
    shop.settle(refund.action_id)
    assert shop.status(paid.id) == "Refunded"


def test_capture_on(shop: Shop) -> None:
    paid = shop.paid(capture_on="2999-01-01T00:00:00Z")
    assert shop.status(paid.id) == "Authorized"
    assert shop.journal() == [("authorize", 4200, "EUR")]
    at_once = shop.paid(capture_on="2020-01-01T00:00:00")
    assert shop.status(at_once.id) == "Captured"


def test_authorizations_expire(shop: Shop) -> None:
    by_hand = shop.held()
    shop.settle(by_hand.id, "expire")
    shop.control("PUT", "/lifecycle", {"authorization": {"after": 604_800}})
    by_time, captured = shop.held(), shop.held()
    shop.api.payments.capture_payment(captured.id)
    shop.advance(604_801)
    assert [shop.status(one.id) for one in (by_hand, by_time, captured)] == ["Expired", "Expired", "Captured"]
    assert shop.http("POST", f"/payments/{by_time.id}/captures", {}).status_code == 403


def test_hidden_from_reads(shop: Shop) -> None:
    shop.fault({"operation": "authorize"}, {"action": "hide_from_reads", "seconds": 30}, times=1)
    paid = shop.paid(reference="att_1")
    assert shop.http("GET", f"/payments/{paid.id}").status_code == 404
    assert shop.http("GET", "/payments?reference=att_1").json()["total_count"] == 0
    shop.advance(31)
    assert shop.http("GET", "/payments?reference=att_1").json()["total_count"] == 1


def test_closed_door(bench: Bench) -> None:
    shop = bench.shop(door=True)
    assert shop.paid().approved is True
    fault = shop.fault({}, "connection_refused")
    with pytest.raises(requests.exceptions.ConnectionError):
        shop.http("GET", "/payments?reference=a")
    shop.control("DELETE", f"/faults/{fault}")
    assert shop.http("GET", "/payments?reference=a").status_code == 200
    shop.close()


def test_faults_match_card_amount_name_email_header_and_reference(shop: Shop) -> None:
    body = pay(
        source=card("5436031030606378", name="No Luck"), customer={"email": "no@luck.example"}, reference="att_9"
    )
    for when in (
        {"pan": "5436031030606378"},
        {"bin": "543603"},
        {"last4": "6378"},
        {"name": "No Luck"},
        {"email": "no@luck.example"},
        {"amount": 4200, "currency": "EUR"},
        {"reference": "att_9"},
        {"header": {"X-Test": "no"}},
    ):
        fault = shop.fault({"operation": "authorize", **when}, {"action": "decline", "code": "41"})
        assert shop.http("POST", "/payments", body, x_test="no").json()["response_code"] == "30041", when
        if "amount" not in when:
            assert shop.paid().approved is True, when
        shop.control("DELETE", f"/faults/{fault}")


def test_unknown_decline_code_is_refused_when_the_fault_is_set(shop: Shop) -> None:
    with pytest.raises(Exception, match="unknown code '29999'"):
        shop.fault({"operation": "authorize"}, {"action": "decline", "code": "29999"})
