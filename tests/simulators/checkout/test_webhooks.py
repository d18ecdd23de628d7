"""Notifications: signed as published (no SDK verifies them, so the tests compute the signature by themselves), said in
the PSP's words, retried on its schedule, and made unreliable on purpose."""

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from simulators.checkout.wire import sign
from tests.simulators.checkout.simulator import Shop, card
from tests.simulators.stripe.inbox import Inbox, Received


def _signature(key: str, body: bytes) -> str:
    """RFC 2104 spelt out over SHA-256: nothing of the simulator, and not the library's HMAC either."""
    padded = key.encode().ljust(64, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded) + body).digest()
    return hashlib.sha256(bytes(byte ^ 0x5C for byte in padded) + inner).hexdigest()


def test_known_answers() -> None:
    """The vector of the reference, and RFC 4231's second test case, whose key is a word."""
    body = b'{"id":"evt_1","type":"payment_approved"}'
    wanted = "50efb6adc228b1cdfd70601a318c1cacddea45c88e9f1883953892649cf743b0"
    assert sign("webhook-secret", body, 0) == ({"Cko-Signature": wanted}, body)
    assert _signature("webhook-secret", body) == wanted
    rfc = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert sign("Jefe", b"what do ya want for nothing?", 1)[0] == {"Cko-Signature": rfc}
    assert _signature("Jefe", b"what do ya want for nothing?") == rfc


def _good(shop: Shop, got: Received, key: str | None = None) -> bool:
    return hmac.compare_digest(got.headers["cko-signature"], _signature(key or shop.secret, got.raw))


def test_signed_over_the_raw_bytes(shop: Shop, inbox: Inbox) -> None:
    shop.listen(inbox.url)
    paid = shop.paid(reference="att_1", metadata={"payera_payment": "pay_1"}, customer={"email": "a@example.com"})
    approved, captured = inbox.wait(2)
    assert (approved.type, captured.type) == ("payment_approved", "payment_captured")
    for got in (approved, captured):
        assert _good(shop, got)
        assert not _good(shop, Received(got.raw + b" ", got.headers))
        assert got.headers["content-type"] == "application/json"
        assert (got.event["data"]["id"], got.event["data"]["reference"]) == (paid.id, "att_1")
    event = approved.event
    assert set(event) == {"id", "type", "version", "created_on", "data", "_links"}
    assert (len(event["id"]), event["_links"]["payment"]["href"]) == (30, f"{shop.url}/payments/{paid.id}")
    data = event["data"]
    assert (data["amount"], data["currency"], data["approved"], data["status"]) == (4200, "EUR", True, "Authorized")
    assert (data["response_code"], data["response_summary"], data["scheme_id"]) == ("10000", "Approved", paid.scheme_id)
    assert (data["source"]["last_4"], data["customer"]["email"]) == ("4242", "a@example.com")
    assert "last4" not in data["source"]
    assert data["metadata"] == {"payera_payment": "pay_1"}
    assert captured.event["data"]["balances"]["total_captured"] == 4200


def _refund(shop: Shop) -> None:
    shop.api.payments.refund_payment(shop.paid().id)


def _operation(shop: Shop, operation: str, name: str, *, decline: bool = False) -> None:
    payment = shop.paid() if operation == "refund" else shop.held(authorization_type="Estimated")
    if decline:
        shop.fault({"operation": operation}, {"action": "decline", "code": "20005"})
    answer = shop.http("POST", f"/payments/{payment.id}/{name}", {"amount": 4200, "reference": "op_1"})
    assert answer.status_code in (201, 202)


FLOWS: dict[str, Callable[[Shop], Any]] = {
    "payment_approved": lambda shop: shop.held(),
    "payment_declined": lambda shop: shop.paid(source=card("4544249167673670")),
    "payment_pending": lambda shop: shop.paid(**{"3ds": {"enabled": True}}),
    "payment_captured": lambda shop: _operation(shop, "capture", "captures"),
    "payment_capture_declined": lambda shop: _operation(shop, "capture", "captures", decline=True),
    "payment_voided": lambda shop: _operation(shop, "void", "voids"),
    "payment_void_declined": lambda shop: _operation(shop, "void", "voids", decline=True),
    "payment_refunded": lambda shop: _operation(shop, "refund", "refunds"),
    "payment_refund_declined": lambda shop: _operation(shop, "refund", "refunds", decline=True),
    "payment_authorization_incremented": lambda shop: _operation(shop, "authorize", "authorizations"),
    "payment_authorization_increment_declined": lambda shop: _operation(
        shop, "authorize", "authorizations", decline=True
    ),
    "payment_expired": lambda shop: shop.settle(shop.held().id, "expire"),
    "payment_canceled": lambda shop: shop.settle(shop.paid(**{"3ds": {"enabled": True}}).id, "cancel"),
    "card_verified": lambda shop: shop.paid(0),
    "card_verification_declined": lambda shop: shop.paid(0, source=card("4544249167673670")),
}


@pytest.mark.parametrize("kind", sorted(FLOWS))
def test_events_of_every_flow(shop: Shop, kind: str) -> None:
    FLOWS[kind](shop)
    event = shop.events()[-1]
    assert event["type"] == kind
    wanted = {"approved": kind not in FAILED} if event["data"].get("approved") is not None else {}
    assert {"approved": event["data"].get("approved")} == wanted or not wanted
    if "reference" in event["data"]:
        assert event["data"]["reference"] == "op_1"
    assert event["data"]["id"].startswith("pay_")
    assert event["data"]["action_id"].startswith("act_")


FAILED = frozenset(kind for kind in FLOWS if kind.endswith("_declined"))


def test_endpoints_choose_their_events(shop: Shop, inbox: Inbox) -> None:
    shop.listen(inbox.url, "payment_captured")
    shop.paid()
    [got] = inbox.wait(1)
    assert got.type == "payment_captured"
    assert [one["type"] for one in shop.control("GET", "/webhooks")["deliveries"]] == ["payment_captured"]


def test_schedule(shop: Shop) -> None:
    """Eight retries: after 5, 10, 15, 30 minutes, 1, 4, 12, 12 hours of the account's clock; then never again."""
    inbox = Inbox(answer=lambda attempt: 503)
    shop.listen(inbox.url, "payment_approved")
    shop.held()
    try:
        inbox.wait(1)
        for tried, minutes in enumerate((5, 10, 15, 30, 60, 240, 720, 720), 1):
            _noted(shop, tried)
            shop.advance(minutes * 60 - (10 if tried == 1 else 20))  # a retry leaves the clock ten seconds past it
            assert len(inbox.got) == tried
            shop.advance(20)
            inbox.wait(tried + 1)
        _noted(shop, 9)
        shop.advance(30 * 86_400)
        assert len(inbox.got) == 9
        assert len({got.raw for got in inbox.got}) == 1
        assert shop.control("GET", "/webhooks")["deliveries"][0]["status"] == "failed"
    finally:
        inbox.close()


def _noted(shop: Shop, tried: int) -> None:
    deadline = time.monotonic() + 10
    while len(shop.control("GET", "/webhooks")["deliveries"][0]["attempts"]) < tried:
        assert time.monotonic() < deadline, "the refused delivery was never noted"


def _chaos(shop: Shop, then: Any) -> None:
    shop.fault({"operation": "authorize"}, then, times=1)
    shop.held()


def test_bad_signature_and_old_secret(shop: Shop, inbox: Inbox) -> None:
    before = shop.secret
    shop.listen(inbox.url)
    shop.control("PUT", "/webhook", {"url": inbox.url, "events": ["*"], "secret": "the-new-secret"})
    _chaos(shop, "webhook_bad_signature")
    _chaos(shop, "webhook_old_secret")
    shop.held()
    bad, old, good = inbox.wait(3)
    assert [_good(shop, one, "the-new-secret") for one in (bad, old, good)] == [False, False, True]
    assert _good(shop, old, before)


def test_duplicates_drops_and_order(shop: Shop, inbox: Inbox) -> None:
    shop.listen(inbox.url)
    _chaos(shop, {"action": "webhook_duplicate", "times": 3})
    assert len({got.raw for got in inbox.wait(3)}) == 1
    _chaos(shop, "webhook_drop")
    shop.fault({"operation": "authorize"}, "webhook_reorder", times=1)
    shop.paid()
    assert [got.type for got in inbox.wait(5)][3:] == ["payment_captured", "payment_approved"]


def test_delay_and_before_the_answer(shop: Shop, inbox: Inbox) -> None:
    shop.listen(inbox.url)
    shop.fault({"operation": "capture"}, {"action": "webhook_delay", "seconds": 60}, times=1)
    held = shop.held()
    inbox.wait(1)
    shop.api.payments.capture_payment(held.id)
    assert shop.status(held.id) == "Captured"
    assert len(inbox.got) == 1
    shop.advance(61)
    assert inbox.wait(2)[1].type == "payment_captured"
    _chaos(shop, "webhook_before_response")
    assert len(inbox.got) == 3  # it was there before the answer


def test_a_resent_event_is_the_same(shop: Shop, inbox: Inbox) -> None:
    shop.listen(inbox.url)
    shop.held()
    [first] = inbox.wait(1)
    shop.control("POST", f"/webhooks/{json.loads(first.raw)['id']}/resend")
    assert inbox.wait(2)[1].raw == first.raw
