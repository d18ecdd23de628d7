"""Faults as the official SDK meets them. The journal tells the truth."""

from typing import Any

import pytest
import requests
import stripe

from tests.simulators.stripe.simulator import Bench, Shop

PARAMS: dict[str, Any] = {"amount": 4200, "currency": "eur", "confirm": True, "payment_method": "pm_card_visa"}


@pytest.mark.parametrize("operation", ["authorize", "capture", "void", "refund"])
def test_lost_answer_then_the_sdk_retries_and_gets_the_stored_one(shop: Shop, operation: str) -> None:
    api = shop.client(max_network_retries=2).v1
    prepared = api.payment_intents.create({**PARAMS, "capture_method": "manual"})
    if operation == "refund":
        api.payment_intents.capture(prepared.id)
    before = shop.journal()
    # Every request of the key that was met first would be lost; `per: request` loses one only.
    shop.fault({"operation": operation}, "commit_then_lose_response", times=1, per="request")
    if operation == "authorize":
        answer = api.payment_intents.create(PARAMS)
        assert (answer.status, answer.amount_received) == ("succeeded", 4200)
    elif operation == "capture":
        assert api.payment_intents.capture(prepared.id).status == "succeeded"
    elif operation == "void":
        assert api.payment_intents.cancel(prepared.id).status == "canceled"
    else:
        answer = api.refunds.create({"payment_intent": prepared.id})
        assert (answer.status, answer.amount) == ("succeeded", 4200)
    kind = {"authorize": "charge", "capture": "capture", "void": "void", "refund": "refund"}[operation]
    assert shop.journal() == [*before, (kind, 4200, "EUR")]
    seen = [line for line in shop.requests_seen() if line["operation"] == operation][-2:]
    assert [line["committed"] for line in seen] == [True, False]
    assert [line["status"] for line in seen] == [None, 200]
    assert seen[0]["idempotency_key"] == seen[1]["idempotency_key"]


def test_lost_answer_without_a_retry_is_found_by_search(shop: Shop) -> None:
    shop.fault({"operation": "authorize"}, "commit_then_lose_response", times=1)
    with pytest.raises(stripe.APIConnectionError):
        shop.api.payment_intents.create({**PARAMS, "metadata": {"payera_operation": "att_7"}})
    found = shop.api.payment_intents.search({"query": "metadata['payera_operation']:'att_7'"})
    assert [(intent.status, intent.amount) for intent in found.data] == [("succeeded", 4200)]
    assert shop.journal() == [("charge", 4200, "EUR")]


def test_reset_before_the_commit_moves_nothing(shop: Shop) -> None:
    shop.fault({"operation": "authorize"}, "reset_before_commit", times=1, per="request")
    intent = shop.client(max_network_retries=1).v1.payment_intents.create(PARAMS)
    assert intent.status == "succeeded"
    assert shop.journal() == [("charge", 4200, "EUR")]
    assert [line["status"] for line in shop.requests_seen() if line["operation"] == "authorize"] == [None, 200]


def test_rate_limit(shop: Shop) -> None:
    shop.fault({"operation": "authorize"}, {"action": "rate_limit", "retry_after": 3}, times=1)
    with pytest.raises(stripe.RateLimitError) as limited:
        shop.api.payment_intents.create(PARAMS)
    assert (limited.value.http_status, limited.value.error.code) == (429, "rate_limit")
    assert limited.value.headers["retry-after"] == "3"
    assert shop.journal() == []


@pytest.mark.parametrize("damage", ["truncated_body", "malformed_body"])
def test_damaged_answer(bench: Bench, shop: Shop, damage: str) -> None:
    bench.recorder.broken_on_purpose = True
    shop.fault({"operation": "authorize"}, damage, times=1)
    with pytest.raises((stripe.APIError, stripe.APIConnectionError)):
        shop.api.payment_intents.create(PARAMS)
    assert shop.journal() == [("charge", 4200, "EUR")]


def test_wrong_amount_shows_in_every_place(shop: Shop) -> None:
    shop.fault({"operation": "authorize"}, {"action": "wrong_amount", "amount": 4100}, times=1)
    intent = shop.api.payment_intents.create({**PARAMS, "expand": ["latest_charge"]})
    assert (intent.amount, intent.amount_received, intent.latest_charge.amount) == (4100, 4100, 4100)
    assert shop.journal() == [("charge", 4100, "EUR")]


@pytest.mark.parametrize(("then", "status", "kind"), [("approve", "succeeded", "charge"), ("51", None, "decline")])
def test_pending_settles_on_the_clock(shop: Shop, then: str, status: str | None, kind: str) -> None:
    shop.fault({"operation": "authorize"}, {"action": "pending", "seconds": 60, "then": then})
    intent = shop.api.payment_intents.create(PARAMS)
    assert intent.status == "processing"
    assert shop.api.charges.retrieve(intent.latest_charge).status == "pending"
    assert shop.journal() == []
    shop.advance(61)
    intent = shop.api.payment_intents.retrieve(intent.id)
    assert intent.status == (status or "requires_payment_method")
    if status is None:
        assert intent.last_payment_error.decline_code == "insufficient_funds"
    assert [entry for entry, _, _ in shop.journal()] == [kind]


def test_processing_intent_is_canceled_and_stays_so(shop: Shop) -> None:
    shop.fault({"operation": "authorize"}, {"action": "pending", "seconds": 60})
    intent = shop.api.payment_intents.create(PARAMS)
    assert shop.api.payment_intents.cancel(intent.id).status == "canceled"
    assert shop.control("GET", "/clock")["waiting"] <= 1  # the kit forgets what was taken back when its time comes
    shop.advance(61)
    assert shop.api.payment_intents.retrieve(intent.id).status == "canceled"
    assert shop.journal() == []


def test_a_decline_with_the_schemes_advice(shop: Shop) -> None:
    shop.fault({"operation": "authorize"}, {"action": "decline", "code": "05", "advice": "03"}, times=1)
    with pytest.raises(stripe.CardError) as declined:
        shop.api.payment_intents.create(PARAMS)
    error: Any = declined.value.error
    assert (error.network_decline_code, error.network_advice_code, error.advice_code) == (
        "05",
        "03",
        "do_not_try_again",
    )


def test_declined_capture_leaves_the_hold(shop: Shop) -> None:
    intent = shop.api.payment_intents.create({**PARAMS, "capture_method": "manual"})
    shop.fault({"operation": "capture"}, {"action": "decline", "code": "96"}, times=1)
    with pytest.raises(stripe.CardError) as declined:
        shop.api.payment_intents.capture(intent.id)
    assert declined.value.code == "processing_error"
    assert shop.api.payment_intents.capture(intent.id).status == "succeeded"
    assert [kind for kind, _, _ in shop.journal()] == ["authorize", "decline", "capture"]


def test_declined_refund_is_a_failed_refund(shop: Shop) -> None:
    intent = shop.api.payment_intents.create(PARAMS)
    shop.fault({"operation": "refund"}, {"action": "decline", "code": "generic_decline"}, times=1)
    refund = shop.api.refunds.create({"payment_intent": intent.id, "amount": 100})
    assert (refund.status, refund.failure_reason) == ("failed", "declined")
    assert shop.api.charges.retrieve(intent.latest_charge).amount_refunded == 0
    assert shop.api.refunds.create({"payment_intent": intent.id}).amount == 4200
    assert [kind for kind, _, _ in shop.journal()] == ["charge", "decline", "refund"]


def test_hidden_from_reads(shop: Shop) -> None:
    shop.fault({"operation": "authorize"}, {"action": "hide_from_reads", "seconds": 30}, times=1)
    intent = shop.api.payment_intents.create(PARAMS)
    with pytest.raises(stripe.InvalidRequestError) as absent:
        shop.api.payment_intents.retrieve(intent.id)
    assert absent.value.code == "resource_missing"
    assert shop.api.payment_intents.search({"query": "currency:'eur'"}).data == []
    shop.advance(31)
    assert shop.api.payment_intents.retrieve(intent.id).status == "succeeded"


def test_search_lags_behind(shop: Shop) -> None:
    shop.control("PUT", "/lifecycle", {"search_index": {"after": 30}})
    shop.api.payment_intents.create({**PARAMS, "metadata": {"n": "1"}})
    query = {"query": 'metadata["n"]:"1"'}
    assert shop.api.payment_intents.search(query).data == []
    shop.advance(31)
    assert len(shop.api.payment_intents.search(query).data) == 1


def test_closed_door(bench: Bench) -> None:
    shop = bench.shop(door=True)
    assert shop.api.payment_intents.create(PARAMS).status == "succeeded"
    fault = shop.fault({}, "connection_refused")
    with pytest.raises(requests.exceptions.ConnectionError):
        shop.http("GET", "/v1/payment_intents")
    shop.control("DELETE", f"/faults/{fault}")
    assert shop.http("GET", "/v1/payment_intents").status_code == 200
    shop.close()


def test_faults_match_card_amount_name_and_reference(shop: Shop) -> None:
    card = {"number": "5555555555554444", "exp_month": 12, "exp_year": 2034}
    billing = {"name": "No Luck", "email": "no@luck.example"}
    by_data = {"payment_method_data": {"type": "card", "card": card, "billing_details": billing}}
    method = shop.api.payment_methods.create({"type": "card", "card": card, "billing_details": billing})
    rules = [
        {"pan": "5555555555554444"}, {"bin": "555555"}, {"last4": "4444"}, {"name": "No Luck"},
        {"email": "no@luck.example"}, {"amount": 4200, "currency": "EUR"}, {"reference": "att_9"},
    ]  # fmt: skip
    plain = {"amount": 4200, "currency": "eur", "confirm": True, "metadata": {"payera_operation": "att_9"}}
    for when in rules:
        fault = shop.fault({"operation": "authorize", **when}, {"action": "decline", "code": "lost_card"})
        for source in (by_data, {"payment_method": method.id}):
            with pytest.raises(stripe.CardError):
                shop.api.payment_intents.create({**plain, **source})
        shop.control("DELETE", f"/faults/{fault}")
    fault = shop.fault(
        {"operation": "authorize", "pan": "5555555555554444"}, {"action": "decline", "code": "lost_card"}
    )
    with pytest.raises(stripe.CardError):
        shop.api.payment_intents.create({**plain, "payment_method": "pm_card_mastercard"})
    assert shop.api.payment_intents.create(PARAMS).status == "succeeded"


def test_unknown_decline_code_is_refused_when_the_fault_is_set(shop: Shop) -> None:
    with pytest.raises(Exception, match="unknown code 'insuficient_funds'"):
        shop.fault({"operation": "authorize"}, {"action": "decline", "code": "insuficient_funds"})
