"""Payment methods of a request: cards in clear or as test ciphertext, stored cards, and one method that redirects."""

import re
from dataclasses import dataclass
from typing import Any

from simulators.adyen import errors, fields, refusals
from simulators.kit import cards as kit_cards
from simulators.kit.exchange import Exchange

Json = dict[str, Any]
CARD_TYPES = ("scheme", "card", "networkToken", None)
REDIRECT_TYPES = ("ideal",)
TEST_EXPIRY, TEST_CVC, TEST_CVC_AMEX = ("3", "2030"), "737", "7373"
PUBLISHED = frozenset(
    {
        "4111111111111111", "4917610000000000", "4166676667666746", "5454545454545454", "5555444433331111",
        "5555341244441115", "370000000000002", "5201281505129736", "5000550000000029", "4212345678910006",
        "4212345678901237",
    }
)  # fmt: skip
"""Card numbers of Adyen's own test pages: approved with their published expiry date and security code alone."""


@dataclass(frozen=True, slots=True)
class Method:
    """What pays. `card` is what may be kept of a card; the number and the CVC are not in here."""

    type: str
    card: Json | None = None
    token: str | None = None
    cvc: bool = False
    network_reference: str | None = None
    wrong_test_data: bool = False


def read(x: Exchange, raw: Any, shopper: str | None) -> Method:
    """Check a `paymentMethod`. Raises Refusal with Adyen's code for what is missing or wrong."""
    if raw is None:
        errors.missing("paymentMethod")
    kind = raw.get("type") if isinstance(raw, dict) else None
    if kind in REDIRECT_TYPES:
        fields.check(fields.REDIRECT_METHOD, raw)
        return Method(str(kind))
    if not isinstance(raw, dict) or kind not in CARD_TYPES:
        errors.refuse(422, "905", "Payment details are not supported")
    fields.check(fields.CARD, raw)
    token = raw.get("storedPaymentMethodId") or raw.get("recurringDetailReference")
    if token:
        return _stored(x, raw, token, shopper)
    return _card(x, raw)


def _stored(x: Exchange, raw: Json, token: str, shopper: str | None) -> Method:
    if not shopper:
        errors.refuse(422, "000", "Recurring payments require a shopperReference")
    kept = x.store.get("tokens", token)
    if kept is None or kept["shopper"] != shopper:
        errors.refuse(422, "800", "Contract not found")
    card = {**kept["card"], "name": raw.get("holderName") or kept["card"]["name"]}
    cvc = _clear(raw, "cvc", "encryptedSecurityCode")
    _check_cvc(cvc, card["brand"])
    return Method("scheme", card, token=token, cvc=cvc is not None)


def _clear(raw: Json, name: str, encrypted: str) -> str | None:
    """The value in clear, or the test ciphertext of it: the same with `test_` before it."""
    value, hidden = raw.get(name), raw.get(encrypted)
    if value is None and hidden is not None:
        if not str(hidden).startswith("test_"):
            errors.refuse(422, "174", "Unable to decrypt data")
        return str(hidden).removeprefix("test_")
    return None if value is None else str(value)


def _card(x: Exchange, raw: Json) -> Method:
    number = _clear(raw, "number", "encryptedCardNumber")
    month, year = _clear(raw, "expiryMonth", "encryptedExpiryMonth"), _clear(raw, "expiryYear", "encryptedExpiryYear")
    cvc = _clear(raw, "cvc", "encryptedSecurityCode")
    if number is None and month is None and year is None:
        errors.missing("paymentMethod")
    if number is None or not kit_cards.luhn_valid(number):
        errors.refuse(422, "101", "Invalid card number")
    if month is None or not re.fullmatch(r"0?[1-9]|1[0-2]", month):
        errors.refuse(422, "140" if month is None else "129", "Expiry month should be between 1 and 12 inclusive")
    if year is None or not re.fullmatch(r"20[0-9]{2}", year):
        errors.refuse(422, "129", "Expiry Date Invalid")
    card = x.card(number, int(month), int(year), raw.get("holderName"))
    card["variant"] = refusals.variant(number)
    _check_cvc(cvc, card["brand"])
    wanted = TEST_CVC_AMEX if card["brand"] == "amex" else TEST_CVC
    wrong = number in PUBLISHED and ((month.lstrip("0"), year) != TEST_EXPIRY or cvc not in (None, wanted))
    reference = raw.get("networkPaymentReference")
    return Method("scheme", card, cvc=cvc is not None, network_reference=reference, wrong_test_data=wrong)


def _check_cvc(cvc: str | None, card_brand: str) -> None:
    if cvc is None:
        return
    if not cvc.isascii() or not cvc.isdigit():
        errors.refuse(422, "153", "CVC is not valid")
    if len(cvc) != (4 if card_brand == "amex" else 3):
        errors.refuse(422, "103", "CVC is not the right length")
