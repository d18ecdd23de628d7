"""The validators themselves, and the list of differences against what really differs."""

import re

import pytest

from simulators.adyen.routes import OPERATIONS
from tests.simulators.adyen.conformance import CHECKOUT, Difference, checkout, listed, webhooks
from tests.simulators.adyen.simulator import Shop
from tests.simulators.stripe.conformance import ROOT

pytestmark = [
    pytest.mark.needs_specs,
    pytest.mark.skipif(not CHECKOUT.exists(), reason=f"absent here: Adyen's published files ({CHECKOUT})"),
]
README = ROOT / "simulators" / "adyen" / "README.md"


def test_every_operation_is_published() -> None:
    assert {(one.method, one.path) for one in OPERATIONS} <= checkout().operations()


def test_every_listed_difference_still_occurs(shop: Shop) -> None:
    shop.pay(metadata={"payera_payment": "pay_1", "other": "x"})
    for last in ("accept_prearbitration", "withdraw_prearbitration"):
        payment = shop.pay()["pspReference"]
        for action in ("charge_back", "reverse_charge_back", "open_prearbitration", last):
            shop.settle(payment, action)
    assert set(shop.differences()) == set(listed())
    assert all(listed().values())


def test_readme_lists_the_same_differences() -> None:
    text = README.read_text("utf-8")
    shown = set(re.findall(r"^\| `([A-Z_a-z/ {}]+)` \| `(/[^`]*)` \| (added|value) \|", text, re.MULTILINE))
    assert shown == {(d.object, d.pointer, d.kind) for d in listed()}


def test_the_validator_sees_what_is_wrong(shop: Shop) -> None:
    """A wrong type, a missing field, an unknown field, an unknown name and an unknown status are all found."""
    path = "payments/X/captures"
    body = {"merchantAccount": 1, "pspReference": "P", "status": "received", "paymentPspReference": "X", "odd": 1}
    found = checkout().judge_answer("POST", path, 201, body)
    name = "POST /payments/{paymentPspReference}/captures"
    assert found == {
        Difference(name, "/merchantAccount", "value"),
        Difference(name, "/odd", "added"),
        Difference(name, "/", "value"),
    }
    named = checkout().judge_answer("POST", "payments", 200, {"additionalData": {"oddName": "x"}})
    assert named == {Difference("POST /payments", "/additionalData/oddName", "added")}
    assert checkout().judge_answer("POST", "payments", 201, {}) == {Difference("POST /payments", "/", "status 201")}
    with pytest.raises(LookupError):
        checkout().judge_answer("GET", "payments", 200, {})
    shop.pay()
    (notification,) = shop.notifications()
    notification["notificationItems"][0]["NotificationRequestItem"]["success"] = True
    del notification["notificationItems"][0]["NotificationRequestItem"]["pspReference"]
    below = "/notificationItems/*/NotificationRequestItem"
    assert webhooks().judge_notification(notification) == {
        Difference("AUTHORISATION", f"{below}/success", "value"), Difference("AUTHORISATION", below, "value"),
    }  # fmt: skip
