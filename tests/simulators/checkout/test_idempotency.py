"""Only a 2xx is kept under a key; after a refusal or a 5xx the request is processed again."""

import threading
import time

import pytest
import requests

from tests.simulators.checkout.simulator import Shop, card, pay


def test_replay_is_byte_for_byte(shop: Shop) -> None:
    first = shop.http("POST", "/payments", pay(), cko_idempotency_key="one")
    again = shop.http("POST", "/payments", pay(), cko_idempotency_key="one")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert shop.journal() == [("charge", 4200, "EUR")]


def test_the_key_alone_counts(shop: Shop) -> None:
    """The PSP documents no comparison of bodies: whatever comes with a known key gets its answer."""
    first = shop.http("POST", "/payments", pay(), cko_idempotency_key="two")
    other = shop.http("POST", "/payments", pay(9900), cko_idempotency_key="two")
    assert other.content == first.content
    assert shop.journal() == [("charge", 4200, "EUR")]


def test_a_decline_is_a_2xx_and_kept(shop: Shop) -> None:
    body = pay(source=card("4544249167673670"))
    first = shop.http("POST", "/payments", body, cko_idempotency_key="three")
    again = shop.http("POST", "/payments", body, cko_idempotency_key="three")
    assert (first.status_code, again.content) == (201, first.content)
    assert [kind for kind, _, _ in shop.journal()] == ["decline"]


def test_after_a_refusal_the_request_is_processed_again(shop: Shop) -> None:
    refused = shop.http("POST", "/payments", pay(-1), cko_idempotency_key="four")
    assert refused.status_code == 422
    assert shop.http("POST", "/payments", pay(), cko_idempotency_key="four").status_code == 201
    held = shop.held()
    path = f"/payments/{held.id}/refunds"
    assert shop.http("POST", path, {}, cko_idempotency_key="five").status_code == 403
    shop.api.payments.capture_payment(held.id)
    assert shop.http("POST", path, {}, cko_idempotency_key="five").status_code == 202


def test_after_a_5xx_the_request_is_processed_again(shop: Shop) -> None:
    shop.fault({"operation": "authorize"}, {"action": "server_error", "status": 502}, times=1, per="request")
    first = shop.http("POST", "/payments", pay(), cko_idempotency_key="six")
    assert (first.status_code, first.content) == (502, b"")
    assert shop.http("POST", "/payments", pay(), cko_idempotency_key="six").status_code == 201
    assert shop.journal() == [("charge", 4200, "EUR")]


def test_a_5xx_after_the_commit_and_a_repeat_charge_twice(shop: Shop) -> None:
    """Why an unknown outcome at this PSP is read by reference and not repeated."""
    fault = {"action": "server_error", "status": 502, "commit": True}
    shop.fault({"operation": "authorize"}, fault, times=1, per="request")
    body = pay(reference="att_1")
    assert shop.http("POST", "/payments", body, cko_idempotency_key="seven").status_code == 502
    assert shop.http("GET", "/payments?reference=att_1").json()["total_count"] == 1
    assert shop.http("POST", "/payments", body, cko_idempotency_key="seven").status_code == 201
    assert shop.journal() == [("charge", 4200, "EUR"), ("charge", 4200, "EUR")]


@pytest.mark.parametrize("operation", ["captures", "voids", "refunds", "reversals"])
def test_operations_are_replayed(shop: Shop, operation: str) -> None:
    payment = shop.paid() if operation == "refunds" else shop.held()
    path = f"/payments/{payment.id}/{operation}"
    answers = {shop.http("POST", path, {}, cko_idempotency_key="eight").content for _ in range(3)}
    assert len(answers) == 1
    assert len(shop.journal()) == 2


def test_endpoints_without_idempotency(shop: Shop) -> None:
    bodies = {
        shop.http("POST", "/tokens", card(), key=shop.public_key, cko_idempotency_key="nine").content for _ in "ab"
    }
    assert len(bodies) == 2


def test_keys_live_for_a_day(shop: Shop) -> None:
    first = shop.http("POST", "/payments", pay(), cko_idempotency_key="ten")
    shop.advance(86_399)
    assert shop.http("POST", "/payments", pay(), cko_idempotency_key="ten").content == first.content
    shop.advance(2)
    assert shop.http("POST", "/payments", pay(), cko_idempotency_key="ten").json()["id"] != first.json()["id"]


def test_concurrent_requests_with_one_key(shop: Shop) -> None:
    """One is processed, the other gets 429 `duplicate_request`: its first is not lost, and not refused."""
    shop.fault({"operation": "authorize"}, {"action": "commit_late", "seconds": 3600})
    hanging = threading.Thread(target=_given_up, args=(shop,))
    hanging.start()
    deadline = time.monotonic() + 10
    while not shop.control("GET", "/clock")["waiting"]:
        assert time.monotonic() < deadline, "the request never came to hang"
    busy = shop.http("POST", "/payments", pay(), cko_idempotency_key="eleven")
    assert (busy.status_code, busy.json()["error_codes"]) == (429, ["duplicate_request"])
    shop.advance(3600)
    assert shop.journal() == [("charge", 4200, "EUR")]
    assert shop.http("POST", "/payments", pay(), cko_idempotency_key="eleven").status_code == 201
    assert shop.journal() == [("charge", 4200, "EUR")]
    hanging.join(20)


def _given_up(shop: Shop) -> None:
    headers = {"authorization": f"Bearer {shop.key}", "cko-idempotency-key": "eleven"}
    with pytest.raises(requests.exceptions.ReadTimeout):
        requests.post(f"{shop.url}/payments", json=pay(), headers=headers, timeout=1.5)


def test_keys_of_accounts_do_not_meet(shop: Shop, other_shop: Shop) -> None:
    first = shop.http("POST", "/payments", pay(), cko_idempotency_key="same").json()
    other = other_shop.http("POST", "/payments", pay(), cko_idempotency_key="same").json()
    assert first["id"] != other["id"]
