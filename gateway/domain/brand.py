"""Card brands by their number ranges, the checks a number must pass, and the numbers a test environment may see."""

import re
from dataclasses import dataclass

from gateway.domain.card import CardSecret
from gateway.domain.errors import InvalidCard
from gateway.domain.published_test_cards import TEST_PANS, TEST_PREFIXES


@dataclass(frozen=True, slots=True)
class Brand:
    """One brand: its ranges as (low, high) prefixes of equal length, and the lengths of PAN and CVC."""

    name: str
    ranges: tuple[tuple[str, str], ...]
    lengths: frozenset[int]
    cvc_length: int = 3


BRANDS: tuple[Brand, ...] = (
    Brand("amex", (("34", "34"), ("37", "37")), frozenset({15}), cvc_length=4),
    Brand("mastercard", (("51", "55"), ("2221", "2720")), frozenset({16})),
    Brand("visa", (("4", "4"),), frozenset({13, 16, 19})),
    Brand("discover", (("6011", "6011"), ("644", "649"), ("65", "65")), frozenset({16, 17, 18, 19})),
    Brand(
        "diners", (("300", "305"), ("3095", "3095"), ("36", "36"), ("38", "39")), frozenset({14, 15, 16, 17, 18, 19})
    ),
    Brand("jcb", (("3528", "3589"),), frozenset({16, 17, 18, 19})),
    Brand("unionpay", (("62", "62"), ("81", "81")), frozenset({16, 17, 18, 19})),
    Brand("maestro", (("50", "50"), ("56", "58"), ("60", "61"), ("63", "63"), ("66", "69")), frozenset(range(12, 20))),
)
"""In order of precedence: a number of 6011 is Discover's although 60 is Maestro's."""

UNKNOWN = Brand("unknown", (), frozenset(range(12, 20)))

_DIGITS = re.compile(r"[0-9]{12,19}", re.ASCII)
_CVC = re.compile(r"[0-9]{3,4}", re.ASCII)


def brand_of(pan: str) -> Brand:
    """The brand whose range holds this number, or `UNKNOWN`."""
    for brand in BRANDS:
        if any(low <= pan[: len(low)] <= high for low, high in brand.ranges):
            return brand
    return UNKNOWN


def luhn_holds(digits: str) -> bool:
    """The check digit of ISO/IEC 7812-1, annex B."""
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit)
        if position % 2:
            value = value * 2 - 9 if value > 4 else value * 2
        total += value
    return total % 10 == 0


def is_test_pan(pan: str) -> bool:
    """Whether a test environment may see this number (PCI DSS 6.5.5: no live PANs in pre-production)."""
    return pan in TEST_PANS or pan.startswith(TEST_PREFIXES)


def check_card(card: CardSecret, *, year: int, month: int, test_only: bool) -> Brand:
    """Check a card as its owner typed it, and return its brand. `year`, `month`: today's.

    Raises `InvalidCard`, which names the field and how to mend it and never shows the value.
    """
    pan = card.pan.reveal()
    where = "card.number"
    if not _DIGITS.fullmatch(pan):
        raise InvalidCard(where, "is not 12 to 19 digits", "send digits only, without spaces or dashes")
    brand = brand_of(pan)
    if len(pan) not in brand.lengths:
        raise InvalidCard(where, f"has a length that {brand.name} does not use", "check for missing or extra digits")
    if not luhn_holds(pan):
        raise InvalidCard(where, "has a wrong check digit", "check the digits for a typing error")
    if test_only and not is_test_pan(pan):
        how = "use a published test card number, such as 4242 4242 4242 4242"
        raise InvalidCard(where, "is not a known test number, and this is a test environment", how, "live_card_refused")
    if not 1 <= card.exp_month <= 12:
        raise InvalidCard("card.exp_month", "is not a month", "send 1 to 12")
    if (card.exp_year, card.exp_month) < (year, month):
        raise InvalidCard("card.exp_year", "is in the past with this month", "ask for a card that is still valid")
    if card.exp_year > year + 50:
        raise InvalidCard("card.exp_year", "is too far in the future", "send the year with four digits")
    if card.cvv is not None:
        _check_cvc(card.cvv.reveal(), brand)
    return brand


def _check_cvc(cvc: str, brand: Brand) -> None:
    wanted = "3 or 4" if brand is UNKNOWN else str(brand.cvc_length)
    fits = len(cvc) in {3, 4} if brand is UNKNOWN else len(cvc) == brand.cvc_length
    if not _CVC.fullmatch(cvc) or not fits:
        raise InvalidCard("card.cvc", f"is not {wanted} digits", f"send the {wanted} digits printed on the card")
