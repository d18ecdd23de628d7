"""Stripe's settlement file agrees with its balance: the same fees, the same net, from one payment to the next."""

from pathlib import Path

import pytest

from simulators.kit.settlement import load_fees
from simulators.stripe import balance

FEES = load_fees(Path(balance.__file__).parent)


@pytest.mark.parametrize("currency", ["EUR", "JPY", "KWD"])
@pytest.mark.parametrize("amount", [1, 33, 100, 4_200, 99_999, 1_234_567])
def test_the_fees_of_the_file_are_those_of_the_balance(amount: int, currency: str) -> None:
    assert FEES["sale"].of(amount, currency) == balance.payment_fee(amount, currency.lower())
    assert FEES["chargeback"].of(amount, currency) == balance.dispute_fee(currency.lower())
