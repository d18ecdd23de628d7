"""Signatures of Adyen and Checkout.com by known answers and by every way to get them wrong; Adyen's reasons by text."""

import base64
import copy
import json
from typing import Any

import pytest

from gateway.connectors.adyen import mapping
from gateway.connectors.http import HttpClient
from gateway.connectors.registry import discover
from gateway.domain.errors import BadSignature
from gateway.domain.outcome import Declined
from gateway.use_cases.ports import WebhookFact
from tests.connectors.signing import NOW_S, SECRET, SIGNERS, signed_account

VECTOR: dict[str, Any] = {
    "live": "false",
    "notificationItems": [
        {
            "NotificationRequestItem": {
                "pspReference": "7914073381342284",
                "merchantAccountCode": "TestMerchant",
                "merchantReference": "TestPayment-1407325143704",
                "amount": {"value": 1130, "currency": "EUR"},
                "eventCode": "AUTHORISATION",
                "success": "true",
                "additionalData": {"hmacSignature": "coqCmt/IZ4E3CzPvMY8zTjQVL5hYJUiBRg8UU+iCWo0="},
            }
        }
    ],
}
"""The example of Adyen's page "Verify HMAC signatures", with the key `SECRET`."""


def receive(slug: str, headers: dict[str, str], body: bytes, secret: str = SECRET) -> tuple[WebhookFact, ...]:
    return discover(HttpClient()).get(slug).verify_webhook(headers, body, signed_account(secret), NOW_S)


def test_the_published_example_of_adyen_holds() -> None:
    [fact] = receive("adyen", {}, json.dumps(VECTOR).encode())
    # Not one of our references, so it matches by the PSP's own.
    assert (fact.operation_id, fact.provider_reference) == (None, "7914073381342284")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("pspReference",), "7914073381342285"),
        (("originalReference",), "7914073381342285"),
        (("merchantAccountCode",), "OtherMerchant"),
        (("merchantReference",), "att_1"),
        (("amount", "value"), 1131),
        (("amount", "currency"), "USD"),
        (("eventCode",), "CAPTURE"),
        (("success",), "false"),
        (("success",), True),
        (("additionalData", "hmacSignature"), ""),
        (("additionalData", "hmacSignature"), "coqC"),
        (("additionalData", "hmacSignature"), "not base64!"),
        (("additionalData", "hmacSignature"), None),
        (("additionalData",), None),
    ],
    ids=str,
)
def test_each_signed_field_is_held_to(path: tuple[str, ...], value: Any) -> None:
    forged = copy.deepcopy(VECTOR)
    place = forged["notificationItems"][0]["NotificationRequestItem"]
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    with pytest.raises(BadSignature):
        receive("adyen", {}, json.dumps(forged).encode())


def test_one_unsigned_item_spoils_the_whole_notification() -> None:
    both = copy.deepcopy(VECTOR)
    second = copy.deepcopy(VECTOR["notificationItems"][0])
    second["NotificationRequestItem"]["additionalData"] = {}
    both["notificationItems"].append(second)
    with pytest.raises(BadSignature):
        receive("adyen", {}, json.dumps(both).encode())


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b"\xff", b'{"notificationItems": []}', b'{"notificationItems": 1}']
)
def test_what_is_no_notification_is_refused(body: bytes) -> None:
    with pytest.raises(BadSignature):
        receive("adyen", {}, body)


@pytest.mark.parametrize("secret", ["no hexadecimal", SECRET[:-1] + "7"])
def test_another_key_opens_nothing(secret: str) -> None:
    with pytest.raises(BadSignature):
        receive("adyen", {}, json.dumps(VECTOR).encode(), secret)


def test_checkouts_signature_is_the_formula_of_its_page() -> None:
    body = b'{"id":"evt_1","type":"payment_approved"}'
    known = "50efb6adc228b1cdfd70601a318c1cacddea45c88e9f1883953892649cf743b0"
    assert receive("checkout", {"Cko-Signature": known}, body, "webhook-secret") == ()
    for headers, forged in (
        ({"Cko-Signature": known}, body + b" "),
        ({"Cko-Signature": known[:-1]}, body),
        ({"Cko-Signature": base64.b64encode(bytes.fromhex(known)).decode()}, body),
        ({"Cko-Signature": "é"}, body),
        ({}, body),
    ):
        with pytest.raises(BadSignature):
            receive("checkout", headers, forged, "webhook-secret")


@pytest.mark.parametrize("event", [{"type": "payment_approved"}, {"id": "evt_1"}, {"id": 1, "type": "x"}], ids=str)
def test_a_signed_body_that_is_no_event_is_refused(event: dict[str, Any]) -> None:
    with pytest.raises(BadSignature):
        receive("checkout", *SIGNERS["checkout"](event))


@pytest.mark.parametrize(("text", "code"), mapping.NAMES.items())
def test_a_refusal_by_notification_is_the_refusal_by_answer(text: str, code: str) -> None:
    event = copy.deepcopy(VECTOR)
    event["notificationItems"][0]["NotificationRequestItem"] |= {"success": "false", "reason": text.title()}
    [fact] = receive("adyen", *SIGNERS["adyen"](event))
    assert isinstance(fact.outcome, Declined)
    assert (fact.outcome.provider_code, fact.outcome.reason) == (code, mapping.DECLINES[code])


def test_every_code_has_its_text() -> None:
    assert sorted(mapping.NAMES.values()) == sorted(mapping.DECLINES)
