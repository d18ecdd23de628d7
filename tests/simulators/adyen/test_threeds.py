"""What the shopper must do first: native 3D Secure, by redirect, and a method that only redirects."""

import base64
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests.simulators.adyen.simulator import CHALLENGE, FRICTIONLESS, FULL, NATIVE, REDIRECT, VISA, Shop, card

Json = dict[str, Any]


def encoded(**told: str) -> str:
    return base64.b64encode(json.dumps(told).encode()).decode()


def details(shop: Shop, more: Json | None = None, **given: str) -> Json:
    answer: Json = shop.payments.payments_details({"details": given, **(more or {})}).message
    return answer


def act(url: str, **form: str) -> requests.Response:
    """The shopper opens the page and sends its form."""
    with requests.Session() as browser:
        assert browser.get(url, timeout=10).status_code == 200
        return browser.post(url, data=form, timeout=10, allow_redirects=False)


def test_frictionless(shop: Shop) -> None:
    first = shop.pay(paymentMethod=card(FRICTIONLESS), authenticationData=NATIVE)
    assert first["resultCode"] == "IdentifyShopper"
    assert "pspReference" not in first
    action = first["action"]
    assert (action["type"], action["subtype"], action["paymentMethodType"]) == ("threeDS2", "fingerprint", "scheme")
    token = json.loads(base64.b64decode(action["token"]))
    assert act(token["threeDSMethodURL"]).status_code == 200
    assert (shop.journal(), shop.told()) == ([], [])
    told = encoded(threeDSCompInd="Y", authorisationToken=action["authorisationToken"])
    answer = details(shop, threeDSResult=told)
    assert answer["resultCode"] == "Authorised"
    data = answer["additionalData"]
    assert (data["threeDAuthenticated"], data["liabilityShift"], data["eci"]) == ("true", "true", "02")
    assert shop.journal() == [("charge", 4200)]
    assert details(shop, threeDSResult=told) == answer
    assert shop.journal() == [("charge", 4200)]


@pytest.mark.parametrize(("password", "status", "code"), [("password", "Y", None), ("wrong", "N", "11")])
def test_fingerprint_then_challenge(shop: Shop, password: str, status: str, code: str | None) -> None:
    first = shop.pay(paymentMethod=card(FULL), authenticationData=NATIVE)
    second = details(shop, {"paymentData": first["action"]["paymentData"]}, threeDSResult=encoded(threeDSCompInd="Y"))
    assert (second["resultCode"], second["action"]["subtype"]) == ("ChallengeShopper", "challenge")
    token = json.loads(base64.b64decode(second["action"]["token"]))
    page = act(token["acsURL"], password=password, result="submit")
    result = page.text.partition('id="threeDSResult">')[2].partition("<")[0]
    assert json.loads(base64.b64decode(result))["transStatus"] == status
    # What the page saw counts, whatever the client claims.
    claimed = encoded(transStatus="Y", authorisationToken=second["action"]["authorisationToken"])
    answer = details(shop, threeDSResult=claimed)
    assert answer.get("refusalReasonCode") == code
    assert answer["additionalData"]["threeDAuthenticatedResponse"] == status
    assert [kind for kind, _ in shop.journal()] == ["charge" if status == "Y" else "decline"]


def test_challenge_only_and_by_the_older_names(shop: Shop) -> None:
    first = shop.pay(paymentMethod=card(CHALLENGE), additionalData={"allow3DS2": "true"})
    assert first["resultCode"] == "ChallengeShopper"
    data = {"paymentData": first["action"]["paymentData"]}
    told = {"threeds2.challengeResult": encoded(transStatus="Y")}
    assert shop.payments.payments_details({**data, "details": told}).message["resultCode"] == "Authorised"


@pytest.mark.parametrize(
    ("form", "result", "code"),
    [({"password": "password", "result": "submit"}, "Authorised", None),
     ({"password": "no", "result": "submit"}, "Refused", "11"), ({"result": "cancel"}, "Cancelled", "16")],
)  # fmt: skip
def test_redirect(shop: Shop, form: Any, result: str, code: str | None) -> None:
    first = shop.pay(paymentMethod=card(REDIRECT))
    assert (first["resultCode"], first["action"]["type"], first["action"]["method"]) == (
        "RedirectShopper", "redirect", "GET",
    )  # fmt: skip
    left = act(first["action"]["url"], **form)
    assert left.status_code == 303
    back = urlsplit(left.headers["location"])
    query = parse_qs(back.query)
    assert (back.netloc, query["a"]) == ("shop.example", ["1"])
    answer = details(shop, redirectResult=query["redirectResult"][0])
    assert (answer["resultCode"], answer.get("refusalReasonCode")) == (result, code)
    assert answer["pspReference"] == first["pspReference"]
    assert requests.get(first["action"]["url"], timeout=10).status_code == 409


def test_a_plain_card_is_challenged_when_asked_for(shop: Shop) -> None:
    asked = {"attemptAuthentication": "always", **NATIVE}
    assert shop.pay(paymentMethod=card(VISA), authenticationData=asked)["resultCode"] == "IdentifyShopper"
    never = {"attemptAuthentication": "never"}
    assert shop.pay(paymentMethod=card(FULL), authenticationData=never)["resultCode"] == "Authorised"
    mpi = {"authenticationResponse": "Y", "directoryResponse": "Y", "eci": "05", "cavv": "AAAA", "dsTransID": "d"}
    answer = shop.pay(paymentMethod=card(FULL), mpiData=mpi)
    assert (answer["resultCode"], answer["additionalData"]["liabilityShift"]) == ("Authorised", "true")


def test_authentication_alone_moves_no_money(shop: Shop) -> None:
    asked = {"authenticationOnly": True, **NATIVE}
    first = shop.pay(paymentMethod=card(FRICTIONLESS), authenticationData=asked)
    answer = details(shop, {"paymentData": first["action"]["paymentData"]}, threeDSResult=encoded(threeDSCompInd="Y"))
    assert answer["resultCode"] == "AuthenticationFinished"
    assert (answer["threeDS2Result"]["transStatus"], answer["threeDS2Result"]["eci"]) == ("Y", "02")
    assert shop.pay(authenticationData=asked)["resultCode"] == "AuthenticationNotRequired"
    assert shop.journal() == []


@pytest.mark.parametrize(
    ("button", "result"), [("authorised", "Authorised"), ("refused", "Refused"), ("cancel", "Cancelled")]
)
def test_a_method_that_redirects_to_a_bank(shop: Shop, button: str, result: str) -> None:
    first = shop.pay(paymentMethod={"type": "ideal"})
    assert (first["resultCode"], "pspReference" in first) == ("RedirectShopper", False)
    query = parse_qs(urlsplit(act(first["action"]["url"], result=button).headers["location"]).query)
    assert details(shop, redirectResult=query["redirectResult"][0])["resultCode"] == result
    assert [kind for kind, _ in shop.journal()] == ["charge" if result == "Authorised" else "decline"]
    assert shop.items()[-1]["paymentMethod"] == "ideal"


@pytest.mark.parametrize("name", ["frictionless", "challenge", "fingerprint_and_challenge", "redirect"])
def test_a_fault_challenges_any_card(shop: Shop, name: str) -> None:
    shop.fault({}, {"action": "outcome", "name": name}, times=1)
    assert "action" in shop.pay()
    assert shop.pay()["resultCode"] == "Authorised"


@pytest.mark.parametrize("name", ["Pending", "PresentToShopper", "PartiallyAuthorised", "Success"])
def test_the_other_result_codes_by_fault(shop: Shop, name: str) -> None:
    shop.fault({}, {"action": "outcome", "name": name, "data": {"amount": 1000}})
    answer = shop.pay()
    assert answer["resultCode"] == name
    if name in ("Pending", "PresentToShopper"):
        shop.settle(answer["pspReference"])
    assert shop.journal() == [("charge", 1000 if name == "PartiallyAuthorised" else 4200)]


def test_a_shopper_who_never_comes_back(shop: Shop) -> None:
    first = shop.pay(paymentMethod=card(REDIRECT))
    refused = shop.http("POST", "/v71/payments/details", {"details": {"redirectResult": "nobody-has"}})
    assert (refused.status_code, refused.json()["errorCode"]) == (422, "14_018")
    shop.settle(first["pspReference"], "close_offer")
    assert shop.told() == [("OFFER_CLOSED", "true")]
    assert shop.journal() == []
