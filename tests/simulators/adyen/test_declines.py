"""Every refusal that Adyen documents, asked for by name, by number and by fault; and what is told about it."""

from typing import Any

import pytest

from simulators.adyen import SIMULATOR
from simulators.kit.rules import load_rules
from tests.simulators.adyen.simulator import FRICTIONLESS, MASTERCARD, Shop, card

DECLINES = {
    word: decline.data
    for word, decline in load_rules(SIMULATOR.folder / "rules.yaml", b"k").declines.items()
    if "code" in decline.data
}
DOCUMENTED = {str(number) for number in range(47) if number not in (1, 13, 30)}
"""Adyen's page of refusal reasons: 1 is approved, 13 pending, 30 is not given."""


def test_every_documented_code_is_known() -> None:
    assert {data["code"] for data in DECLINES.values()} == DOCUMENTED


@pytest.mark.parametrize("word", DECLINES)
def test_a_refusal_by_name_by_number_and_by_fault(shop: Shop, word: str) -> None:
    data = DECLINES[word]
    shop.fault({"reference": "by-fault"}, {"action": "decline", "code": word})
    answers = [
        shop.pay(paymentMethod=card(MASTERCARD, holderName=word)),
        shop.pay(additionalData={"RequestedTestAcquirerResponseCode": data["code"]}),
        shop.pay(reference="by-fault"),
    ]
    for answer in answers:
        assert (answer["resultCode"], answer["refusalReason"], answer["refusalReasonCode"]) == (
            data.get("result", "Refused"), data["reason"], data["code"],
        )  # fmt: skip
        assert answer["additionalData"].get("refusalReasonRaw") == data.get("raw")
        assert "paymentMethod" not in answer
    assert answers[0]["additionalData"].get("merchantAdviceCode") == data.get("advice")
    assert "merchantAdviceCode" not in answers[1]["additionalData"]
    assert [kind for kind, _ in shop.journal()] == ["decline"] * 3
    assert [(item["eventCode"], item["success"], item["reason"]) for item in shop.items()] == [
        ("AUTHORISATION", "false", data["reason"])
    ] * 3


@pytest.mark.parametrize(
    ("iso", "code", "raw"),
    [("05", "2", "05 : Do not honor"), ("51", "12", "51 : Insufficient funds/over credit limit"),
     ("41", "5", "41 : Lost card, pick up"), ("14", "8", "14 : Invalid card number"),
     ("R1", "26", "R1 : Revocation of authorization order"), ("82", "24", "82 : CVV could not be verified")],
)  # fmt: skip
def test_a_fault_names_the_networks_answer(shop: Shop, iso: str, code: str, raw: str) -> None:
    shop.fault({}, {"action": "decline", "code": iso})
    answer = shop.pay()
    assert (answer["refusalReasonCode"], answer["additionalData"]["refusalReasonRaw"]) == (code, raw)
    assert shop.entries()[0]["code"] == iso


def test_a_fault_adds_the_schemes_advice_to_what_a_mastercard_hears(shop: Shop) -> None:
    shop.fault({}, {"action": "decline", "code": "05", "advice": "03"})
    said = shop.pay(paymentMethod=card(MASTERCARD))["additionalData"]
    assert (said["refusalReasonRaw"], said["merchantAdviceCode"]) == ("05 : Do not honor", "03 : Do not try again")
    assert "merchantAdviceCode" not in shop.pay()["additionalData"]


def test_a_name_sets_the_raw_answer_too(shop: Shop) -> None:
    answer = shop.pay(paymentMethod=card(holderName=f"DECLINED : 06 : ERROR{'x' * 100}"))
    assert (answer["refusalReasonCode"], len(answer["additionalData"]["refusalReasonRaw"])) == ("2", 80)
    assert answer["additionalData"]["refusalReasonRaw"].startswith("06 : ERROR")


def test_approved_by_name_and_by_number(shop: Shop) -> None:
    assert shop.pay(paymentMethod=card(holderName="APPROVED"))["resultCode"] == "Authorised"
    assert shop.pay(additionalData={"RequestedTestAcquirerResponseCode": 1})["resultCode"] == "Authorised"


@pytest.mark.parametrize("asked", [{"paymentMethod": card(holderName="PENDING")},
                                   {"additionalData": {"RequestedTestAcquirerResponseCode": "13"}}])  # fmt: skip
@pytest.mark.parametrize(("action", "told"), [("settle", "true"), ("refuse", "false")])
def test_received_is_settled_by_hand(shop: Shop, asked: Any, action: str, told: str) -> None:
    answer = shop.pay(**asked)
    assert answer["resultCode"] == "Received"
    assert (shop.journal(), shop.told()) == ([], [])
    shop.settle(answer["pspReference"], action)
    assert shop.told() == [("AUTHORISATION", told)]
    assert [kind for kind, _ in shop.journal()] == ["charge" if told == "true" else "decline"]


@pytest.mark.parametrize(("value", "code"), [(10_124, "12"), (125, "5"), (2_130, "4"), (10_153, "35"), (10_200, None)])
def test_in_person_amounts(shop: Shop, value: int, code: str | None) -> None:
    assert shop.pay(value, shopperInteraction="POS").get("refusalReasonCode") == code
    assert shop.pay(value)["resultCode"] == "Authorised"


@pytest.mark.parametrize("wrong", [{"cvc": "999"}, {"expiryYear": "2031"}, {"expiryMonth": "10"}])
def test_adyens_cards_want_their_published_data(shop: Shop, wrong: Any) -> None:
    assert shop.pay(paymentMethod=card(**wrong))["refusalReasonCode"] == "2"
    assert shop.pay(paymentMethod=card("4242424242424242", **wrong))["resultCode"] == "Authorised"


def test_a_refusal_after_authentication(shop: Shop) -> None:
    method = card(FRICTIONLESS, holderName="NOT_ENOUGH_BALANCE")
    first = shop.pay(paymentMethod=method, authenticationData={"threeDSRequestData": {"nativeThreeDS": "preferred"}})
    body = {"details": {"threeDSResult": "e30="}, "paymentData": first["action"]["paymentData"]}
    answer = shop.payments.payments_details(body).message
    assert (answer["resultCode"], answer["refusalReasonCode"]) == ("Refused", "12")
    assert answer["additionalData"]["threeDAuthenticated"] == "true"


def test_modifications_that_fail_at_once_and_later(shop: Shop) -> None:
    for operation in ("capture", "void", "refund"):
        shop.fault({"operation": operation}, {"action": "decline", "code": "DECLINED"}, times=1)
    payment = shop.held()
    assert shop.capture(payment)["status"] == shop.cancel(payment)["status"] == "received"
    shop.capture(payment)
    assert shop.refund(payment)["status"] == "received"
    assert shop.told()[1:] == [
        ("CAPTURE", "false"), ("CANCELLATION", "false"), ("CAPTURE", "true"), ("REFUND", "false"),
    ]  # fmt: skip
    assert [kind for kind, _ in shop.journal()] == ["authorize", "decline", "decline", "capture", "decline"]
    failing = shop.held(paymentMethod=card(holderName="capture failed"))
    shop.capture(failing)
    assert shop.told()[-2:] == [("CAPTURE", "true"), ("CAPTURE_FAILED", "true")]
    failing = shop.pay(paymentMethod=card(holderName="refund failed"))["pspReference"]
    shop.refund(failing)
    assert shop.told()[-2:] == [("REFUND", "true"), ("REFUND_FAILED", "true")]
    first, failed = shop.items()[-2:]
    assert first["pspReference"] == failed["pspReference"]
    assert (failed["originalReference"], failed["reason"]) == (failing, "Refund Failed")
