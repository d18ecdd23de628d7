"""3D Secure: the redirect, the page, the way back, and what the payment is afterwards."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests.simulators.checkout.simulator import Shop, card

SHOP = {"success_url": "https://shop.example/ok?order=7", "failure_url": "https://shop.example/no"}


def _challenged(shop: Shop, number: str = "4242424242424242", **more: Any) -> Any:
    return shop.paid(source=card(number), **{"3ds": {"enabled": True}, **SHOP, **more})


def _page(shop: Shop, payment: Any, method: str = "GET", form: str = "") -> requests.Response:
    return requests.request(
        method,
        payment._links.redirect.href,
        data=form,
        headers={"content-type": "application/x-www-form-urlencoded"},
        allow_redirects=False,
        timeout=20,
    )


def test_the_shopper_is_sent_away_and_comes_back(shop: Shop) -> None:
    pending = _challenged(shop, reference="att_1")
    assert (pending.http_metadata.status_code, pending.status, pending.reference) == (202, "Pending", "att_1")
    assert (getattr(pending, "3ds").enrolled, getattr(pending, "3ds").downgraded) == ("Y", False)
    assert shop.status(pending.id) == "Pending"
    assert shop.journal() == []
    shown = _page(shop, pending)
    assert (shown.status_code, shown.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "4242" in shown.text
    assert "4242424242424242" not in shown.text
    back = _page(shop, pending, "POST", "password=Checkout1!")
    assert back.status_code == 303
    assert back.headers["location"].startswith("https://shop.example/ok?order=7&cko-session-id=sid_")
    session = parse_qs(urlsplit(back.headers["location"]).query)["cko-session-id"][0]
    details = shop.api.payments.get_payment_details(session)
    assert (details.id, details.status, details.eci, details.approved) == (pending.id, "Captured", "05", True)
    result = vars(getattr(details, "3ds"))
    assert (result["authentication_response"], result["enrolled"], result["version"], result["challenged"]) == (
        "Y",
        "Y",
        "2.2.0",
        True,
    )
    assert len(result["cryptogram"]) == len(result["xid"]) == 28
    assert shop.journal() == [("charge", 4200, "EUR")]
    assert _page(shop, pending).status_code == 409
    assert _page(shop, pending, "POST", "result=complete").status_code == 409
    assert [event["type"] for event in shop.events()] == ["payment_pending", "payment_approved", "payment_captured"]


@pytest.mark.parametrize(
    ("form", "status", "code"),
    [
        ("password=wrong", "Declined", "20151"),
        ("result=fail", "Declined", "20151"),
        ("result=cancel", "Canceled", None),
    ],
)
def test_the_shopper_fails_or_gives_up(shop: Shop, form: str, status: str, code: str | None) -> None:
    pending = _challenged(shop)
    back = _page(shop, pending, "POST", form)
    assert back.headers["location"].startswith("https://shop.example/no?cko-session-id=sid_")
    assert shop.status(pending.id) == status
    if code is not None:
        [action] = shop.api.payments.get_payment_actions(pending.id).items
        assert (action.approved, action.response_code) == (False, code)
    assert [kind for kind, _, _ in shop.journal()] == (["decline"] if code else [])
    assert shop.events()[-1]["type"] == {"Declined": "payment_declined", "Canceled": "payment_canceled"}[status]


def test_unknown_result_changes_nothing(shop: Shop) -> None:
    pending = _challenged(shop)
    assert _page(shop, pending, "POST", "result=maybe").status_code == 400
    assert shop.status(pending.id) == "Pending"
    assert requests.get(f"{shop.url}/3ds/sid_unknown", timeout=20).status_code == 404


def test_without_addresses_the_page_ends_the_journey(shop: Shop) -> None:
    pending = shop.paid(**{"3ds": {"enabled": True}})
    assert _page(shop, pending, "POST", "result=complete").status_code == 200
    assert shop.status(pending.id) == "Captured"


@pytest.mark.parametrize(
    ("number", "response", "status", "code", "eci"),
    [
        ("4485040371536584", "Y", "Captured", "10000", "05"),
        ("5137210000000018", "Y", "Captured", "10000", "02"),
        ("4022050100000026", "A", "Captured", "10000", "06"),
        ("4022050100000000", "N", "Declined", "20151", None),
        ("4275765574319271", "R", "Declined", "20151", None),
        ("4022050100000018", "U", "Declined", "20153", None),
    ],
)
def test_what_the_bank_answers_without_a_challenge(
    shop: Shop, number: str, response: str, status: str, code: str, eci: str | None
) -> None:
    pending = _challenged(shop, number)
    assert _page(shop, pending).status_code == 303
    details = shop.api.payments.get_payment_details(pending.id)
    assert (details.status, vars(details).get("eci")) == (status, eci)
    result = getattr(details, "3ds")
    assert (result.authentication_response, result.challenged) == (response, False)
    assert details.actions[-1].response_code == code


def test_a_card_that_is_not_enrolled(shop: Shop) -> None:
    number = "378282246310005"
    declined = _challenged(shop, number)
    assert (declined.http_metadata.status_code, declined.status, declined.response_code) == (201, "Declined", "20150")
    tried = _challenged(shop, number, **{"3ds": {"enabled": True, "attempt_n3d": True}})
    assert (tried.http_metadata.status_code, tried.approved) == (201, True)
    assert (getattr(tried, "3ds").downgraded, getattr(tried, "3ds").enrolled) == (True, "N")


def test_the_issuer_still_decides_after_the_challenge(shop: Shop) -> None:
    pending = _challenged(shop, "4544249167673670")
    _page(shop, pending, "POST", "result=complete")
    [action] = shop.api.payments.get_payment_actions(pending.id).items
    assert (action.response_code, shop.status(pending.id)) == ("20051", "Declined")


def test_a_soft_decline_is_cured_by_authentication(shop: Shop) -> None:
    number = "4500622868341387"
    assert shop.paid(source=card(number)).response_code == "20154"
    pending = _challenged(shop, number)
    _page(shop, pending, "POST", "result=complete")
    assert shop.status(pending.id) == "Captured"


def test_nobody_answers_for_15_minutes(shop: Shop) -> None:
    pending = _challenged(shop)
    shop.advance(899)
    assert shop.status(pending.id) == "Pending"
    shop.advance(2)
    [action] = shop.api.payments.get_payment_actions(pending.id).items
    assert (action.response_code, shop.status(pending.id)) == ("20152", "Declined")
    assert _page(shop, pending, "POST", "result=complete").status_code == 409


def test_the_merchants_own_authentication(shop: Shop) -> None:
    own = {
        "enabled": True,
        "eci": "05",
        "cryptogram": "AgAAAAAAAIR8CQrXcIhbQAAAAAA=",
        "xid": "MDAw",
        "version": "2.1.0",
    }
    paid = shop.paid(**{"3ds": own})
    assert (paid.approved, paid.eci) == (True, "05")
    details = getattr(shop.api.payments.get_payment_details(paid.id), "3ds")
    assert (details.cryptogram, details.version, details.authentication_response) == (
        own["cryptogram"],
        "2.1.0",
        "Y",
    )


def test_a_fault_challenges_any_payment_and_settle_answers(shop: Shop) -> None:
    shop.fault({"operation": "authorize"}, {"action": "outcome", "name": "challenge"}, times=3)
    first, second, third = shop.held(), shop.held(), shop.held()
    shop.settle(first.id, "authenticate")
    shop.settle(second.id, "fail_authentication")
    shop.settle(third.id, "cancel")
    assert [shop.status(one.id) for one in (first, second, third)] == ["Authorized", "Declined", "Canceled"]
    assert shop.held().status == "Authorized"


def test_a_held_payment_after_the_challenge_is_captured_by_hand(shop: Shop) -> None:
    pending = _challenged(shop, capture=False)
    assert shop.http("POST", f"/payments/{pending.id}/captures", {}).status_code == 403
    _page(shop, pending, "POST", "result=complete")
    shop.api.payments.capture_payment(pending.id)
    assert shop.journal() == [("authorize", 4200, "EUR"), ("capture", 4200, "EUR")]
