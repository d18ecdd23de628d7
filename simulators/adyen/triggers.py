"""The magic values of a payment request that decide what the acquirer says.

They are Adyen's own: the cardholder's name, `additionalData.RequestedTestAcquirerResponseCode`, and for in-person
payments (`shopperInteraction: POS`) the last three digits of the amount. 3D Secure cards are in `rules.yaml`.
"""

from typing import Any

from simulators.adyen import refusals
from simulators.adyen.cards import Method
from simulators.adyen.refusals import Refused
from simulators.kit.exchange import Exchange

Json = dict[str, Any]
RECEIVED = "received"
PENDING_NAME, PENDING_NUMBER = "PENDING", "13"
LATER_FAILURES = {"capture failed": "capture", "refund failed": "refund"}
"""Cardholder names with which the modification is accepted and fails afterwards."""

IN_PERSON = {
    121: "CANCELLED", 122: "FRAUD", 123: "DECLINED", 124: "NOT_ENOUGH_BALANCE", 125: "BLOCK_CARD", 126: "CARD_EXPIRED",
    127: "INVALID_AMOUNT", 128: "INVALID_CARD_NUMBER", 129: "NOT_SUPPORTED", 130: "ERROR", 131: "DECLINED",
    132: "DECLINED", 133: "REFERRAL", 134: "INVALID_PIN", 135: "PIN_TRIES_EXCEEDED", 136: "ISSUER_UNAVAILABLE",
    144: "NOT_SUBMITTED", 145: "FRAUD_CANCELLED", 146: "TRANSACTION_NOT_PERMITTED", 147: "CVC_DECLINED",
    148: "RESTRICTED_CARD", 149: "REVOCATION_OF_AUTH", 150: "DECLINED_NON_GENERIC", 151: "ISSUER_SUSPECTED_FRAUD",
    152: "NO_CHECKING_ACCOUNT_AVAILABLE", 153: "NO_SAVINGS_ACCOUNT_AVAILABLE",
}  # fmt: skip
"""Last three digits of the amount in minor units, from Adyen's page "Test acquirer responses"."""


def asked_for(x: Exchange, body: Json, method: Method) -> Refused | str | None:
    """What the request's own values ask for: a refusal, `RECEIVED`, or nothing (approve)."""
    number = (body.get("additionalData") or {}).get("RequestedTestAcquirerResponseCode")
    if number is not None:
        return RECEIVED if str(number) == PENDING_NUMBER else refusals.by_number(x.account, str(number))
    name = (method.card or {}).get("name") or ""
    word, _, raw = (part.strip() for part in name.partition(":"))
    if word == PENDING_NAME:
        return RECEIVED
    declines = x.world.rules.declines
    if word in declines and "code" in declines[word].data:
        return refusals.find(x.account, word).with_raw(raw)
    if body.get("shopperInteraction") == "POS":
        said = IN_PERSON.get(body["amount"]["value"] % 1000)
        if said is not None:
            return refusals.find(x.account, said)
    if method.wrong_test_data:
        return refusals.find(x.account, "DECLINED")
    return None
