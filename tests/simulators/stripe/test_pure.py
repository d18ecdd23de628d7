"""The parts without a server: form encoding, currencies, declines, magic cards."""

import pytest

from simulators.kit import cards as kit_cards
from simulators.stripe import forms, money
from simulators.stripe.cards import behaviour, card_from, number_of_token
from simulators.stripe.declines import decline_for
from simulators.stripe.errors import StripeError


@pytest.mark.parametrize(
    ("encoded", "form"),
    [
        (b"", {}),
        (b"a=1&b=2", {"a": "1", "b": "2"}),
        (b"a=1&a=2", {"a": "2"}),
        (b"a=x+y%21&b%5Bc%5D=%C3%A9", {"a": "x y!", "b": {"c": "é"}}),
        (b"a[b][c]=1&a[b][d]=2", {"a": {"b": {"c": "1", "d": "2"}}}),
        (b"a[]=1&a[]=2", {"a": {"0": "1", "1": "2"}}),
        (b"a[0]=1&a[1]=2", {"a": {"0": "1", "1": "2"}}),
        (b"a[][x]=1&a[][y]=2&a[][x]=3", {"a": {"0": {"x": "1", "y": "2"}, "1": {"x": "3"}}}),
        (b"a=", {"a": ""}),
        (b"a", {"a": ""}),
        (b"a=1&&b=2", {"a": "1", "b": "2"}),
        (b"a=b=c", {"a": "b=c"}),
    ],
)
def test_forms(encoded: bytes, form: dict[str, object]) -> None:
    assert forms.parse(encoded) == form


@pytest.mark.parametrize(
    "encoded",
    [b"[a]=1", b"a[b=1", b"a[b]c=1", b"a=1&a[b]=2", b"a[b]=1&a=2", b"a[b]=1&a[b][c]=2", b"\xff=1", b"a=%ff", b"a=%00",
     b"a[b[c]]=1", b"a" + b"[b]" * 8 + b"=1", b"&".join(b"a%d=1" % n for n in range(1001))],
)  # fmt: skip
def test_forms_that_cannot_be_read(encoded: bytes) -> None:
    with pytest.raises(forms.MalformedForm):
        forms.parse(encoded)


@pytest.mark.parametrize(
    ("amount", "currency", "shown"), [(4200, "eur", "42.00 eur"), (5, "usd", "0.05 usd"), (4200, "jpy", "4200 jpy"),
                                      (1230, "kwd", "1.230 kwd")],
)  # fmt: skip
def test_amounts_for_people(amount: int, currency: str, shown: str) -> None:
    assert money.format_amount(amount, currency) == shown


def test_currency_sets_do_not_overlap() -> None:
    assert len(money.CURRENCIES) == len(money.ZERO_DECIMAL) + len(money.THREE_DECIMAL) + len(money._TWO_DECIMAL)
    assert money.MINIMUM.keys() <= money.CURRENCIES


def test_declines_by_word_and_by_iso_code() -> None:
    assert decline_for("insufficient_funds").network_code == "51"
    assert decline_for("51").decline_code == "insufficient_funds"
    assert decline_for("92").network_code == "92"
    assert decline_for("54").code == "expired_card"
    assert decline_for("54").decline_code is None
    assert decline_for("do_not_honor", "03").advice == "do_not_try_again"
    with pytest.raises(KeyError):
        decline_for("unheard_of")


RESPONSE_CODES = [
    "01", "02", "03", "04", "05", "07", "12", "13", "14", "15", "19", "41", "43", "46", "51", "54", "55", "57",
    "59", "61", "62", "63", "65", "70", "75", "78", "82", "91", "93", "94", "96", "1A", "N7", "R0", "R1", "R3",
]  # fmt: skip


@pytest.mark.parametrize("code", RESPONSE_CODES)
def test_every_response_code_of_the_retry_rules_has_a_decline(code: str) -> None:
    assert decline_for(code).network_code == code


def test_magic_numbers_are_good_numbers() -> None:
    for token in ("pm_card_visa", "pm_card_amex", "pm_card_chargeDeclined", "pm_card_authenticationRequired"):
        number = number_of_token(token)
        assert number is not None
        assert kit_cards.luhn_valid(number)
        typed = {"number": number, "exp_month": 12, "exp_year": 34}
        assert card_from(typed, b"key", 2026, 1, "card")["magic"] == token
    assert behaviour("pm_card_chargeDeclined").decline == "generic_decline"
    assert behaviour("").decline is None


@pytest.mark.parametrize(
    ("amount", "currency", "code"), [(49, "eur", "amount_too_small"), (1001, "bhd", "invalid_charge_amount"), (0, "eur",
                                     "parameter_invalid_integer")],
)  # fmt: skip
def test_amount_refusals(amount: int, currency: str, code: str) -> None:
    with pytest.raises(StripeError) as refused:
        money.check_amount(amount, currency)
    assert refused.value.body["code"] == code
