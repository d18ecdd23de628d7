"""Goal: a card that cannot be right is refused with the field and the remedy, before anybody is asked."""

import pytest

from gateway.domain.brand import brand_of, check_card, is_test_pan, luhn_holds
from gateway.domain.card import CardSecret, Cvv, Pan
from gateway.domain.decline import RULES, DeclineReason
from gateway.domain.errors import InvalidCard
from gateway.domain.money import EXPONENTS
from gateway.domain.published_test_cards import TEST_PANS


@pytest.mark.parametrize(
    ("pan", "brand"),
    [
        ("4242424242424242", "visa"),
        ("4222222222222", "visa"),
        ("5555555555554444", "mastercard"),
        ("2223003122003222", "mastercard"),
        ("378282246310005", "amex"),
        ("6011111111111117", "discover"),
        ("3056930009020004", "diners"),
        ("36227206271667", "diners"),
        ("3566002020360505", "jcb"),
        ("6200000000000005", "unionpay"),
        ("6759649826438453", "maestro"),
        ("9000000000000001", "unknown"),
    ],
)
def test_brands(pan: str, brand: str) -> None:
    assert brand_of(pan).name == brand


@pytest.mark.parametrize(
    ("pan", "month", "year", "cvc", "where"),
    [
        ("4242 4242 4242 4242", 12, 2030, None, "card.number"),
        ("4242424242424241", 12, 2030, None, "card.number"),
        ("424242424242424", 12, 2030, None, "card.number"),
        ("37828224631000", 12, 2030, None, "card.number"),
        ("٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢", 12, 2030, None, "card.number"),
        ("4242424242424242", 13, 2030, None, "card.exp_month"),
        ("4242424242424242", 2, 2026, None, "card.exp_year"),
        ("4242424242424242", 1, 2077, None, "card.exp_year"),
        ("4242424242424242", 12, 2030, "12", "card.cvc"),
        ("4242424242424242", 12, 2030, "1234", "card.cvc"),
        ("378282246310005", 12, 2030, "123", "card.cvc"),
        ("4242424242424242", 12, 2030, "12a", "card.cvc"),
    ],
)
def test_refused_with_the_field(pan: str, month: int, year: int, cvc: str | None, where: str) -> None:
    card = CardSecret(Pan(pan), month, year, Cvv(cvc) if cvc else None)
    with pytest.raises(InvalidCard) as refusal:
        check_card(card, year=2026, month=3, test_only=True)
    (complaint,) = refusal.value.complaints
    assert complaint.where == where
    assert complaint.how
    assert pan not in str(refusal.value)


def test_this_month_is_still_valid() -> None:
    card = CardSecret(Pan("4242424242424242"), 3, 2026, Cvv("123"))
    assert check_card(card, year=2026, month=3, test_only=True).name == "visa"


def test_published_numbers_are_cards() -> None:
    for pan in TEST_PANS:
        assert luhn_holds(pan)
        assert is_test_pan(pan)
        assert len(pan) in brand_of(pan).lengths, pan


def test_currencies() -> None:
    assert {code: EXPONENTS[code] for code in ("EUR", "JPY", "KWD")} == {"EUR": 2, "JPY": 0, "KWD": 3}
    assert set(EXPONENTS.values()) == {0, 2, 3}
    assert all(len(code) == 3 and code.isascii() and code.isupper() for code in EXPONENTS)


def test_every_reason_has_its_rule() -> None:
    assert set(RULES) == set(DeclineReason)
    assert RULES[DeclineReason.UNMAPPED].fallback == "no"
