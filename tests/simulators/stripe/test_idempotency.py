"""Stripe's idempotency: the first executed answer again, byte for byte; nothing is kept of refusals."""

import threading
import time

import pytest
import requests
import stripe

from tests.simulators.stripe.simulator import Shop

PAY = "amount=4200&currency=eur&confirm=true&payment_method=pm_card_visa"
PARAMS = {"amount": 4200, "currency": "eur", "confirm": True, "payment_method": "pm_card_visa"}


def test_replay_is_byte_for_byte(shop: Shop) -> None:
    first = shop.http("POST", "/v1/payment_intents", PAY, idempotency_key="one")
    again = shop.http("POST", "/v1/payment_intents", PAY, idempotency_key="one")
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.content == first.content
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["original-request"] == first.headers["request-id"]
    assert shop.journal() == [("charge", 4200, "EUR")]


def test_sdk_replays_and_refuses_other_parameters(shop: Shop) -> None:
    options = {"idempotency_key": "two"}
    first = shop.api.payment_intents.create(PARAMS, options)
    again = shop.api.payment_intents.create(PARAMS, options)
    assert again.last_response.body == first.last_response.body
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    with pytest.raises(stripe.IdempotencyError) as refused:
        shop.api.payment_intents.create({**PARAMS, "amount": 4300}, options)
    assert refused.value.http_status == 400
    assert refused.value.error.type == "idempotency_error"
    with pytest.raises(stripe.IdempotencyError):
        shop.api.customers.create({}, options)
    assert shop.journal() == [("charge", 4200, "EUR")]


def test_decline_is_stored(shop: Shop) -> None:
    body = PAY.replace("pm_card_visa", "pm_card_chargeDeclined")
    first = shop.http("POST", "/v1/payment_intents", body, idempotency_key="three")
    again = shop.http("POST", "/v1/payment_intents", body, idempotency_key="three")
    assert (first.status_code, again.content) == (402, first.content)
    assert [kind for kind, _, _ in shop.journal()] == ["decline"]


def test_server_error_is_stored_and_nothing_happened(shop: Shop) -> None:
    shop.fault({"operation": "authorize"}, "server_error", times=1)
    first = shop.http("POST", "/v1/payment_intents", PAY, idempotency_key="four")
    assert (first.status_code, first.json()["error"]["type"]) == (500, "api_error")
    shop.control("DELETE", "/faults")
    again = shop.http("POST", "/v1/payment_intents", PAY, idempotency_key="four")
    assert (again.status_code, again.content) == (500, first.content)
    assert shop.journal() == []
    assert shop.http("POST", "/v1/payment_intents", PAY, idempotency_key="five").status_code == 200


def test_server_error_after_the_commit(shop: Shop) -> None:
    shop.fault({"operation": "authorize"}, {"action": "server_error", "status": 503, "commit": True}, times=1)
    first = shop.http("POST", "/v1/payment_intents", PAY, idempotency_key="six")
    assert first.status_code == 503
    assert shop.journal() == [("charge", 4200, "EUR")]
    assert shop.http("POST", "/v1/payment_intents", PAY, idempotency_key="six").status_code == 503
    assert [intent.status for intent in shop.api.payment_intents.list().data] == ["succeeded"]


def test_refused_parameters_are_not_stored(shop: Shop) -> None:
    wrong = shop.http("POST", "/v1/payment_intents", PAY + "&colour=red", idempotency_key="seven")
    assert wrong.json()["error"]["code"] == "parameter_unknown"
    missing = shop.http("POST", "/v1/payment_intents", "amount=4200", idempotency_key="seven")
    assert missing.json()["error"]["code"] == "parameter_missing"
    small = shop.http("POST", "/v1/payment_intents", PAY.replace("4200", "49"), idempotency_key="seven")
    assert small.json()["error"]["code"] == "amount_too_small"
    assert shop.http("POST", "/v1/payment_intents", PAY, idempotency_key="seven").status_code == 200


def test_wrong_state_is_stored(shop: Shop) -> None:
    """A capture that came too early stays refused under its key: the request was executed."""
    intent = shop.api.payment_intents.create({"amount": 4200, "currency": "eur", "capture_method": "manual"})
    path = f"/v1/payment_intents/{intent.id}/capture"
    first = shop.http("POST", path, "", idempotency_key="eight")
    assert first.json()["error"]["code"] == "payment_intent_unexpected_state"
    shop.api.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    assert shop.http("POST", path, "", idempotency_key="eight").content == first.content
    assert shop.http("POST", path, "", idempotency_key="nine").status_code == 200


def test_keys_are_pruned_after_a_day(shop: Shop) -> None:
    first = shop.http("POST", "/v1/payment_intents", PAY, idempotency_key="ten")
    shop.advance(23 * 3600)
    assert shop.http("POST", "/v1/payment_intents", PAY, idempotency_key="ten").content == first.content
    shop.advance(2 * 3600)
    assert shop.http("POST", "/v1/payment_intents", PAY, idempotency_key="ten").json()["id"] != first.json()["id"]
    assert shop.journal() == [("charge", 4200, "EUR")] * 2


def test_key_in_use(shop: Shop) -> None:
    """While a request hangs uncommitted, its key is taken; the answer says that a retry may help."""
    shop.fault({"operation": "authorize"}, {"action": "commit_late", "seconds": 3600})
    hanging = threading.Thread(target=_ignored, args=(shop, "eleven"))
    hanging.start()
    deadline = time.monotonic() + 10
    while not shop.control("GET", "/clock")["waiting"]:
        assert time.monotonic() < deadline, "the request never came to hang"
    busy = shop.http("POST", "/v1/payment_intents", PAY, idempotency_key="eleven")
    assert (busy.status_code, busy.json()["error"]["code"]) == (409, "idempotency_key_in_use")
    assert busy.headers["stripe-should-retry"] == "true"
    shop.advance(3600)
    assert shop.journal() == [("charge", 4200, "EUR")]
    assert shop.http("POST", "/v1/payment_intents", PAY, idempotency_key="eleven").json()["status"] == "succeeded"
    hanging.join(20)


def _ignored(shop: Shop, key: str) -> None:
    """A request whose client gives up: nobody answers it."""
    with pytest.raises(requests.exceptions.ReadTimeout):
        shop.http("POST", "/v1/payment_intents", PAY, idempotency_key=key, timeout=1.5)


def test_key_longer_than_255_characters(shop: Shop) -> None:
    assert shop.http("POST", "/v1/payment_intents", PAY, idempotency_key="k" * 255).status_code == 200
    refused = shop.http("POST", "/v1/payment_intents", PAY, idempotency_key="k" * 256)
    assert (refused.status_code, refused.json()["error"]["type"]) == (400, "invalid_request_error")


def test_keys_of_accounts_do_not_meet(shop: Shop, other_shop: Shop) -> None:
    first = shop.http("POST", "/v1/payment_intents", PAY, idempotency_key="same")
    other = other_shop.http("POST", "/v1/payment_intents", PAY, idempotency_key="same")
    assert first.json()["id"] != other.json()["id"]
    assert other_shop.http("GET", f"/v1/payment_intents/{first.json()['id']}").status_code == 404
