"""Notifications: the official verifier accepts them, they say what happened, in order, and reach every endpoint."""

import time
from typing import Any

import pytest
import stripe

from simulators.stripe.app import sign
from tests.simulators.stripe.inbox import Inbox
from tests.simulators.stripe.simulator import Shop

PARAMS: dict[str, Any] = {"amount": 4200, "currency": "eur", "confirm": True, "payment_method": "pm_card_visa"}


def listen(shop: Shop, inbox: Inbox, *events: str) -> None:
    shop.control("PUT", "/webhook", {"url": inbox.url, "events": list(events) or ["*"]})


def test_known_answer_of_the_signature() -> None:
    headers, body = sign("whsec_test_secret", b'{"id":"evt_1","object":"event"}', 1700000000)
    digest = "0c8670ed117751cc551a20e35839447075c42800ea3cf3e8a2fbda99cd1e6edd"
    assert headers == {"stripe-signature": f"t=1700000000,v1={digest}"}
    assert body == b'{"id":"evt_1","object":"event"}'


def test_construct_event_accepts_them(shop: Shop, inbox: Inbox) -> None:
    listen(shop, inbox)
    intent = shop.api.payment_intents.create(PARAMS, {"idempotency_key": "key-1"})
    got = inbox.wait(3)
    events = [shop.client().construct_event(one.raw, one.headers["stripe-signature"], shop.secret) for one in got]
    assert [event.type for event in events] == [
        "payment_intent.created", "charge.succeeded", "payment_intent.succeeded",
    ]  # fmt: skip
    assert [event.data.object.status for event in events] == ["requires_payment_method", "succeeded", "succeeded"]
    assert events[2].data.object.id == intent.id
    assert events[2].request.idempotency_key == "key-1"
    assert events[2].request.id.startswith("req_")
    assert events[2].pending_webhooks == 1
    stored = shop.api.events.retrieve(events[2].id)
    assert stored.data.object.to_dict() == events[2].data.object.to_dict()
    with pytest.raises(stripe.SignatureVerificationError):
        shop.client().construct_event(got[0].raw, got[0].headers["stripe-signature"], "whsec_other")


FLOWS = {
    "authorize": ["payment_intent.created", "charge.succeeded", "payment_intent.amount_capturable_updated"],
    "capture": ["charge.captured", "payment_intent.succeeded"],
    "void": ["payment_intent.canceled"],
    "refund": ["refund.created", "charge.refunded"],
    "decline": ["payment_intent.created", "charge.failed", "payment_intent.payment_failed"],
    "challenge": ["payment_intent.created", "payment_intent.requires_action"],
}


def test_events_of_every_flow(shop: Shop) -> None:
    api = shop.api.payment_intents
    held = api.create({**PARAMS, "capture_method": "manual"})
    seen = [_types(shop)]
    api.capture(held.id)
    seen.append(_types(shop))
    api.cancel(_held(shop))
    seen.append(_types(shop)[-1:])
    shop.api.refunds.create({"payment_intent": held.id, "amount": 1})
    seen.append(_types(shop)[-2:])
    with pytest.raises(stripe.CardError):
        api.create({**PARAMS, "payment_method": "pm_card_chargeDeclined"})
    seen.append(_types(shop)[-3:])
    api.create({**PARAMS, "payment_method": "pm_card_authenticationRequired"})
    seen.append(_types(shop)[-2:])
    wanted = list(FLOWS.values())
    wanted[1] = [*FLOWS["authorize"], *FLOWS["capture"]]
    assert seen == wanted


def _held(shop: Shop) -> str:
    return str(shop.api.payment_intents.create({**PARAMS, "capture_method": "manual"}).id)


def _types(shop: Shop) -> list[str]:
    """Types of all events, oldest first."""
    return [event.type for event in shop.api.events.list({"limit": 100}).auto_paging_iter()][::-1]


def test_previous_attributes(shop: Shop) -> None:
    customer = shop.api.customers.create({"name": "Ann"})
    shop.api.customers.update(customer.id, {"name": "Bea"})
    event = shop.api.events.list({"type": "customer.updated"}).data[0].to_dict()
    assert event["data"]["previous_attributes"] == {"name": "Ann"}
    assert event["data"]["object"]["name"] == "Bea"


def test_the_accounts_own_endpoints_get_them_too(shop: Shop, inbox: Inbox) -> None:
    made = shop.api.webhook_endpoints.create({"url": inbox.url, "enabled_events": ["payment_intent.succeeded"]})
    assert made.secret.startswith("whsec_")
    assert "secret" not in shop.api.webhook_endpoints.retrieve(made.id).to_dict()
    shop.api.payment_intents.create(PARAMS)
    (got,) = inbox.wait(1)
    event = shop.client().construct_event(got.raw, got.headers["stripe-signature"], made.secret)
    assert (event.type, event.data.object.amount) == ("payment_intent.succeeded", 4200)
    shop.api.webhook_endpoints.update(made.id, {"disabled": True})
    shop.api.payment_intents.create(PARAMS)
    shop.api.webhook_endpoints.update(made.id, {"disabled": False, "enabled_events": ["customer.created"]})
    shop.api.customers.create()
    assert [one.type for one in inbox.wait(2)] == ["payment_intent.succeeded", "customer.created"]
    shop.api.webhook_endpoints.delete(made.id)
    shop.api.customers.create()
    assert shop.api.webhook_endpoints.list().data == []
    deliveries = shop.control("GET", "/webhooks")["deliveries"]
    assert [one["type"] for one in deliveries] == ["payment_intent.succeeded", "customer.created"]


def test_bad_signature_and_stale_timestamp_are_refused(shop: Shop, inbox: Inbox) -> None:
    listen(shop, inbox, "payment_intent.succeeded")
    for count, chaos in enumerate(["webhook_bad_signature", "webhook_stale"], 1):
        shop.fault({"operation": "authorize"}, chaos, times=1)
        shop.api.payment_intents.create(PARAMS)
        got = inbox.wait(count)[-1]
        with pytest.raises(stripe.SignatureVerificationError):
            shop.client().construct_event(got.raw, got.headers["stripe-signature"], shop.secret)
        shop.control("DELETE", "/faults")


def test_failed_delivery_comes_again_on_the_clock(shop: Shop) -> None:
    inbox = Inbox(answer=lambda attempt: 500 if attempt == 0 else 200)
    listen(shop, inbox, "payment_intent.succeeded")
    shop.api.payment_intents.create(PARAMS)
    try:
        inbox.wait(1)
        deadline = time.monotonic() + 10
        while not shop.control("GET", "/webhooks")["deliveries"][0]["attempts"]:
            assert time.monotonic() < deadline, "the refused delivery was never noted"
        shop.advance(3601)
        first, second = inbox.wait(2)
        assert first.raw == second.raw
    finally:
        inbox.close()


def test_events_are_listed_by_type_and_forgotten_after_30_days(shop: Shop) -> None:
    shop.api.payment_intents.create(PARAMS)
    listed = shop.api.events.list({"types": ["charge.succeeded", "payment_intent.created"]})
    assert [event.type for event in listed.data] == ["charge.succeeded", "payment_intent.created"]
    listed = shop.api.events.list({"type": "payment_intent.*"})
    assert [event.type for event in listed.data] == ["payment_intent.succeeded", "payment_intent.created"]
    shop.advance(31 * 86_400)
    assert shop.api.events.list().data == []
