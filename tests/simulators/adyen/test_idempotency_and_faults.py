"""Repeated keys as Adyen treats them, and every fault of the kit on this dialect."""

import threading
from typing import Any

import Adyen
import pytest
import requests

from tests.simulators.adyen.simulator import Bench, Shop, card

Json = dict[str, Any]


def test_the_first_answer_comes_again_and_the_key_is_echoed(shop: Shop) -> None:
    first = shop.http("POST", "/v71/payments", shop.request(), idempotency_key="k-1")
    again = shop.http("POST", "/v71/payments", shop.request(), idempotency_key="k-1")
    assert first.content == again.content
    assert first.headers["idempotency-key"] == again.headers["Idempotency-Key"] == "k-1"
    # Adyen does not compare requests: the key alone counts.
    other = shop.http("POST", "/v71/payments", shop.request(99), idempotency_key="k-1")
    assert other.content == first.content
    assert shop.journal() == [("charge", 4200)]
    assert shop.told() == [("AUTHORISATION", "true")]
    assert "idempotency-key" not in shop.http("POST", "/v71/payments", shop.request()).headers


def test_refusals_of_issuers_come_again_and_those_of_requests_do_not(shop: Shop) -> None:
    declined = shop.request(paymentMethod=card(holderName="DECLINED"))
    first = shop.http("POST", "/v71/payments", declined, idempotency_key="k-1")
    assert shop.http("POST", "/v71/payments", shop.request(), idempotency_key="k-1").content == first.content
    wrong = shop.http("POST", "/v71/payments", {**shop.request(), "bogus": 1}, idempotency_key="k-2")
    assert wrong.status_code == 400
    assert shop.pay(key="k-2")["resultCode"] == "Authorised"


def test_keys_live_for_seven_days(shop: Shop) -> None:
    first = shop.pay(key="k-1")
    shop.advance(7 * 86_400 - 60)
    assert shop.pay(key="k-1") == first
    shop.advance(120)
    assert shop.pay(key="k-1") != first
    assert shop.journal() == [("charge", 4200)] * 2


def test_a_key_has_64_characters_at_most(shop: Shop) -> None:
    assert shop.http("POST", "/v71/payments", shop.request(), idempotency_key="k" * 64).status_code == 200
    answer = shop.http("POST", "/v71/payments", shop.request(), idempotency_key="k" * 65)
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "702")


def test_modifications_are_repeated_too(shop: Shop) -> None:
    payment = shop.held()
    path, body = f"/v71/payments/{payment}/captures", shop.modification(1000)
    first = shop.http("POST", path, body, idempotency_key="cap")
    assert shop.http("POST", path, body, idempotency_key="cap").content == first.content
    assert shop.journal() == [("authorize", 4200), ("capture", 1000)]


def test_a_key_in_use(shop: Shop) -> None:
    shop.fault({}, {"action": "commit_late", "seconds": 60}, times=1)
    with pytest.raises(requests.Timeout):
        shop.http("POST", "/v71/payments", shop.request(), timeout=0.3, idempotency_key="k-1")
    answer = shop.http("POST", "/v71/payments", shop.request(), idempotency_key="k-1")
    assert (answer.status_code, answer.json()["errorCode"], answer.headers["transient-error"]) == (422, "704", "true")
    assert shop.journal() == []
    shop.advance(61)
    assert shop.pay(key="k-1")["resultCode"] == "Authorised"
    assert shop.journal() == [("charge", 4200)]


@pytest.mark.parametrize("lose", ["reset", "hang"])
def test_a_lost_answer_is_found_by_its_key(shop: Shop, lose: str) -> None:
    shop.fault({"operation": "authorize"}, {"action": "commit_then_lose_response", "lose": lose})
    with pytest.raises((requests.ConnectionError, requests.Timeout)):
        shop.http("POST", "/v71/payments", shop.request(), timeout=0.5, idempotency_key="k-1")
    assert shop.journal() == [("charge", 4200)]
    assert shop.pay(key="k-1")["resultCode"] == "Authorised"
    assert shop.journal() == [("charge", 4200)]
    assert shop.told() == [("AUTHORISATION", "true")]


@pytest.mark.parametrize("committed", [True, False])
def test_after_a_500_the_key_finds_what_was_done(shop: Shop, committed: bool) -> None:
    shop.fault({}, {"action": "server_error", "status": 500, "commit": committed}, times=1, per="request")
    with pytest.raises(Adyen.exceptions.AdyenAPICommunicationError):
        shop.pay(key="k-1")
    assert shop.journal() == ([("charge", 4200)] if committed else [])
    assert shop.pay(key="k-1")["resultCode"] == "Authorised"
    assert shop.journal() == [("charge", 4200)]


def test_reset_before_commit_and_rate_limit(shop: Shop) -> None:
    shop.fault({"reference": "r"}, "reset_before_commit")
    with pytest.raises(requests.ConnectionError):
        shop.http("POST", "/v71/payments", shop.request(reference="r"))
    shop.fault({"reference": "l"}, {"action": "rate_limit", "retry_after": 3})
    answer = shop.http("POST", "/v71/payments", shop.request(reference="l"))
    assert (answer.status_code, answer.headers["retry-after"], answer.json()["status"]) == (429, "3", 429)
    assert shop.journal() == []


@pytest.mark.parametrize("damage", ["truncated_body", "malformed_body"])
def test_damaged_answers(bench: Bench, shop: Shop, damage: str) -> None:
    bench.recorder.broken_on_purpose = True
    shop.fault({"operation": "capture"}, damage)
    payment = shop.held()
    with pytest.raises(ValueError if damage == "malformed_body" else requests.RequestException):
        shop.http("POST", f"/v71/payments/{payment}/captures", shop.modification(4200)).json()
    assert shop.journal() == [("authorize", 4200), ("capture", 4200)]


def test_the_wrong_amount(shop: Shop) -> None:
    shop.fault({"operation": "authorize"}, {"action": "wrong_amount", "amount": 4000})
    shop.fault({"operation": "refund"}, {"action": "wrong_amount", "amount": 7})
    answer = shop.pay(4200)
    assert answer["amount"]["value"] == 4000
    assert shop.refund(answer["pspReference"], 100)["amount"]["value"] == 7
    assert shop.journal() == [("charge", 4000), ("refund", 7)]


@pytest.mark.parametrize(("then", "kind"), [("approve", "charge"), ("NOT_ENOUGH_BALANCE", "decline")])
def test_pending_payments_settle_on_the_clock(shop: Shop, then: str, kind: str) -> None:
    shop.fault({"operation": "authorize"}, {"action": "pending", "seconds": 60, "then": then})
    assert shop.pay()["resultCode"] == "Received"
    shop.advance(61)
    assert shop.journal() == [(kind, 4200)]
    assert shop.told() == [("AUTHORISATION", "true" if kind == "charge" else "false")]


def test_modifications_take_their_time(shop: Shop) -> None:
    shop.control("PUT", "/lifecycle", {"capture": {"after": 30}, "refund": "manual"})
    payment = shop.held()
    shop.capture(payment)
    assert shop.journal() == [("authorize", 4200)]
    shop.advance(31)
    assert shop.journal() == [("authorize", 4200), ("capture", 4200)]
    refund = shop.refund(payment)["pspReference"]
    assert shop.told()[1:] == [("CAPTURE", "true")]
    shop.settle(refund)
    assert shop.told()[1:] == [("CAPTURE", "true"), ("REFUND", "true")]


def test_latency_leaves_the_magic_values_alone(shop: Shop) -> None:
    shop.fault({}, {"action": "latency", "seconds": 0.05})
    assert shop.pay(paymentMethod=card(holderName="CARD_EXPIRED"))["refusalReasonCode"] == "6"
    assert shop.pay(paymentMethod=card("4212345678910006"))["resultCode"] == "RedirectShopper"


def test_the_door_is_shut(bench: Bench) -> None:
    one = bench.shop(door=True)
    one.fault({}, {"action": "connection_refused", "seconds": 30})
    with pytest.raises(requests.ConnectionError):
        one.http("POST", "/v71/payments", one.request())
    one.advance(31)
    assert one.pay()["resultCode"] == "Authorised"
    one.close()


def test_what_the_requests_log_says(shop: Shop) -> None:
    shop.pay(reference="att_1", key="att_1")
    payment = shop.held(reference="att_2")
    shop.cancel(payment, "void_1")
    assert [(one["operation"], one["reference"], one["status"]) for one in shop.requests_seen()] == [
        ("authorize", "att_1", 200), ("authorize", "att_2", 200), ("void", "void_1", 201),
    ]  # fmt: skip


def test_two_accounts_at_once_see_nothing_of_each_other(shop: Shop, other_shop: Shop) -> None:
    shop.fault({}, {"action": "decline", "code": "DECLINED"})

    def work(one: Shop) -> None:
        for number in range(10):
            one.http("POST", "/v71/payments", one.request(100 + number), idempotency_key=f"k-{number}")

    threads = [threading.Thread(target=work, args=(one,)) for one in (shop, other_shop)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert shop.journal() == [("decline", 100 + number) for number in range(10)]
    assert other_shop.journal() == [("charge", 100 + number) for number in range(10)]
