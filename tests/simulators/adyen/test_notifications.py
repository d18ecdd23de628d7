"""Notifications as they arrive: signed for the official verifier, repeated on the clock, damaged on purpose."""

import hashlib
import hmac
import time
from base64 import b64encode
from typing import Any

import pytest

from simulators.adyen.wire import WEBHOOK_SCHEDULE_S, hmac_signature, sign
from tests.simulators.adyen.simulator import Shop
from tests.simulators.stripe.inbox import Inbox


def test_known_answer() -> None:
    """A vector of Adyen's own documentation."""
    item = {
        "pspReference": "7914073381342284", "merchantAccountCode": "TestMerchant",
        "merchantReference": "TestPayment-1407325143704", "amount": {"currency": "EUR", "value": 1130},
        "eventCode": "AUTHORISATION", "success": "true",
    }  # fmt: skip
    key = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056"
    assert hmac_signature(item, key) == "coqCmt/IZ4E3CzPvMY8zTjQVL5hYJUiBRg8UU+iCWo0="


def test_the_official_verifier_accepts_every_kind(shop: Shop, inbox: Inbox) -> None:
    shop.listen(inbox.url)
    payment = shop.held(reference="att_1")
    shop.capture(payment, 4200, "cap_1")
    shop.refund(payment, 1000, "ref_1")
    got = inbox.wait(3)
    assert [one.event["notificationItems"][0]["NotificationRequestItem"]["merchantReference"] for one in got] == [
        "att_1", "cap_1", "ref_1",
    ]  # fmt: skip
    for event in [one.event for one in got]:
        assert shop.valid(event)
        assert event["live"] == "false"
        item = event["notificationItems"][0]["NotificationRequestItem"]
        parts = [item["pspReference"], item.get("originalReference", ""), shop.merchant, item["merchantReference"],
                 str(item["amount"]["value"]), "EUR", item["eventCode"], "true"]  # fmt: skip
        own = hmac.new(bytes.fromhex(shop.secret), ":".join(parts).encode(), hashlib.sha256).digest()
        assert item["additionalData"]["hmacSignature"] == b64encode(own).decode()
        item["amount"]["value"] += 1
        assert not shop.valid(event)


@pytest.mark.parametrize("chaos", ["webhook_bad_signature", "webhook_old_secret"])
def test_wrong_signatures_are_refused(shop: Shop, inbox: Inbox, chaos: str) -> None:
    shop.listen(inbox.url)
    shop.fault({"operation": "authorize"}, chaos)
    shop.pay()
    assert not shop.valid(inbox.wait(1)[0].event)


def test_after_a_change_of_the_key_both_signatures_can_come(shop: Shop, inbox: Inbox) -> None:
    shop.listen(inbox.url)
    shop.listen(inbox.url, secret="AB" * 32)
    shop.fault({"operation": "authorize"}, "webhook_old_secret", times=1)
    shop.pay()
    assert shop.valid(inbox.wait(1)[0].event)
    shop.pay()
    assert not shop.valid(inbox.wait(2)[1].event)


def test_duplicates_order_and_loss(shop: Shop, inbox: Inbox) -> None:
    shop.listen(inbox.url)
    shop.fault({"operation": "authorize"}, {"action": "webhook_duplicate", "times": 3}, times=1)
    shop.pay(reference="a")
    first, second, third = inbox.wait(3)
    assert first.raw == second.raw == third.raw
    shop.fault({"reference": "b"}, "webhook_reorder")
    shop.fault({"reference": "c"}, "webhook_drop")
    for reference in ("b", "c", "d"):
        shop.pay(reference=reference)
    got = [one.event["notificationItems"][0]["NotificationRequestItem"] for one in inbox.wait(5)[3:]]
    assert [item["merchantReference"] for item in got] == ["d", "b"]


def test_the_schedule_lasts_thirty_days() -> None:
    assert WEBHOOK_SCHEDULE_S[:5] == (9, 18, 27, 120, 300)
    assert max(WEBHOOK_SCHEDULE_S) == 8 * 3600
    assert 29.5 * 86_400 <= sum(WEBHOOK_SCHEDULE_S) <= 30 * 86_400


def test_not_accepted_means_again(shop: Shop) -> None:
    inbox = Inbox(answer=lambda attempt: 500 if attempt < 2 else 202)
    shop.listen(inbox.url)
    try:
        shop.pay()
        for attempt, seconds in ((1, 9), (2, 18)):
            inbox.wait(attempt)
            deadline = time.monotonic() + 10
            while len(shop.control("GET", "/webhooks")["deliveries"][0]["attempts"]) < attempt:
                assert time.monotonic() < deadline, "the refused delivery was never noted"
            shop.advance(seconds + 1)
        assert len({one.raw for one in inbox.wait(3)}) == 1
        deadline = time.monotonic() + 10
        while shop.control("GET", "/webhooks")["deliveries"][0]["status"] != "delivered":
            assert time.monotonic() < deadline, "the accepted delivery was never noted"
    finally:
        inbox.close()


def test_an_event_is_named_by_reference_and_code_and_sent_again_by_hand(shop: Shop, inbox: Inbox) -> None:
    shop.listen(inbox.url, events=["AUTHORISATION"])
    payment = shop.held()
    shop.capture(payment)
    inbox.wait(1)
    deliveries = shop.control("GET", "/webhooks")["deliveries"]
    assert [one["event"] for one in deliveries] == [f"{payment}.AUTHORISATION"]
    shop.control("POST", f"/webhooks/{payment}.AUTHORISATION/resend")
    first, second = inbox.wait(2)
    assert first.raw == second.raw


def test_a_signature_leaves_the_rest_as_it_was() -> None:
    body = (
        b'{"live":"false","notificationItems":[{"NotificationRequestItem":{"pspReference":"p","merchantReference":"r",'
    )
    body += (
        b'"merchantAccountCode":"m","amount":{"currency":"EUR","value":1},"eventCode":"CAPTURE","success":"true"}}]}'
    )
    headers, signed = sign("00" * 32, body, 0)
    assert headers == {}
    assert signed.startswith(body[:-4])


DISPUTE: list[tuple[str, str]] = [
    ("request_for_information", "REQUEST_FOR_INFORMATION"),
    ("notify_of_fraud", "NOTIFICATION_OF_FRAUD"),
    ("notify_of_chargeback", "NOTIFICATION_OF_CHARGEBACK"),
    ("charge_back", "CHARGEBACK"),
    ("supply_information", "INFORMATION_SUPPLIED"),
    ("reverse_charge_back", "CHARGEBACK_REVERSED"),
    ("second_charge_back", "SECOND_CHARGEBACK"),
    ("end_defence_period", "DISPUTE_DEFENSE_PERIOD_ENDED"),
    ("win_prearbitration", "PREARBITRATION_WON"),
]
DEFENDED = ("charge_back", "reverse_charge_back")
OTHER_ENDS: list[tuple[tuple[str, ...], str, bool]] = [
    (("charge_back", "end_defence_period"), "DISPUTE_DEFENSE_PERIOD_ENDED", True),
    ((*DEFENDED, "expire_issuer_response"), "ISSUER_RESPONSE_TIMEFRAME_EXPIRED", False),
    ((*DEFENDED, "open_prearbitration", "win_prearbitration"), "PREARBITRATION_WON", False),
    ((*DEFENDED, "open_prearbitration", "withdraw_prearbitration"), "PREARBITRATION_ISSUER_WITHDRAWN", False),
    ((*DEFENDED, "open_prearbitration", "lose_prearbitration"), "PREARBITRATION_LOST", True),
    ((*DEFENDED, "open_prearbitration", "accept_prearbitration"), "PREARBITRATION_ACCEPTED", True),
]


def test_a_dispute_from_first_to_last(shop: Shop) -> None:
    payment = shop.pay(4200)["pspReference"]
    shop.refund(payment, 200)
    for action, _ in DISPUTE:
        shop.settle(payment, action)
    assert [code for code, _ in shop.told()[2:]] == [code for _, code in DISPUTE]
    taken, back = ("chargeback", 4000), ("chargeback_reversed", 4000)
    assert shop.journal()[2:] == [taken, back, taken, back]
    items = shop.items()[2:]
    assert {item["originalReference"] for item in items} == {payment}
    assert {item["amount"]["value"] for item in items if item["eventCode"] != "NOTIFICATION_OF_FRAUD"} == {4000}
    references = {item["pspReference"] for item in items}
    assert payment not in references
    assert len(references) == 2  # the dispute's, and the fraud report's
    details: Any = items[3]["additionalData"]
    assert (details["chargebackReasonCode"], details["chargebackSchemeCode"]) == ("10.4", "visa")


@pytest.mark.parametrize(("actions", "event", "taken"), OTHER_ENDS, ids=[event for _, event, _ in OTHER_ENDS])
def test_how_else_a_dispute_ends(shop: Shop, actions: tuple[str, ...], event: str, taken: bool) -> None:
    payment = shop.pay(4200)["pspReference"]
    for action in actions:
        shop.settle(payment, action)
    assert shop.told()[-1][0] == event
    kinds = [kind for kind, _ in shop.journal()[1:]]
    assert kinds.count("chargeback") - kinds.count("chargeback_reversed") == taken
    with pytest.raises(Exception, match="this needs"):
        shop.settle(payment, "notify_of_chargeback")


def test_what_happens_without_the_merchant(shop: Shop) -> None:
    shop.settle(shop.held(1000), "expire")
    payment = shop.pay(2000)["pspReference"]
    refund = shop.refund(payment, 500)["pspReference"]
    shop.settle(refund, "reverse_refund")
    shop.settle("settlement_detail_report_batch_1.csv", "report_available")
    held = shop.held(3000)
    capture = shop.capture(held, 3000)["pspReference"]
    shop.settle(capture, "fail")
    shop.capture(held, 3000)
    codes = [code for code, _ in shop.told() if code != "AUTHORISATION"]
    assert codes == [
        "EXPIRE", "REFUND", "REFUNDED_REVERSED", "REPORT_AVAILABLE", "CAPTURE", "CAPTURE_FAILED", "CAPTURE",
    ]  # fmt: skip
    moved = [("authorize", 1000), ("void", 1000), ("charge", 2000), ("refund", 500), ("refund_failed", 500),
             ("authorize", 3000), ("capture", 3000), ("capture_failed", 3000), ("capture", 3000)]  # fmt: skip
    assert shop.journal() == moved


def test_what_the_state_does_not_allow_is_refused(shop: Shop) -> None:
    payment = shop.held()
    for action in ("charge_back", "authenticate", "settle"):
        with pytest.raises(Exception, match=payment):
            shop.settle(payment, action)
    with pytest.raises(Exception, match="there is no payment"):
        shop.settle("NOBODY", "expire")
