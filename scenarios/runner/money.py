"""Money as people write it, `EUR 42.00`, and as machines keep it: integer minor units and an ISO 4217 currency."""

import re
from typing import NamedTuple

_NO_DIGITS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_THREE_DIGITS = "BHD IQD JOD KWD LYD OMN TND"

EXPONENTS = dict.fromkeys(_NO_DIGITS.split(), 0) | dict.fromkeys(_THREE_DIGITS.split(), 3)
"""Digits after the decimal point, where they are not two (ISO 4217)."""

_WRITTEN = re.compile(r"(?P<currency>[A-Z]{3}) (?P<sign>-?)(?P<whole>\d+)(?:\.(?P<fraction>\d+))?")


class Money(NamedTuple):
    """`amount` is in minor units of `currency` and may be negative (a ledger line)."""

    amount: int
    currency: str

    def __str__(self) -> str:
        digits = EXPONENTS.get(self.currency, 2)
        sign = "-" if self.amount < 0 else ""
        if digits == 0:
            return f"{self.currency} {sign}{abs(self.amount)}"
        whole, fraction = divmod(abs(self.amount), 10**digits)
        return f"{self.currency} {sign}{whole}.{fraction:0{digits}d}"


def parse(text: str) -> Money:
    """Read `EUR 42.00`, `JPY 500`, `EUR -1.50`. Raises `ValueError` that says what is wrong and how to mend it.

    The fraction must be complete: `EUR 42` and `EUR 42.5` are refused, because both are often a slip by a factor.
    """
    match = _WRITTEN.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not an amount: write the currency, a space and the amount, like EUR 42.00")
    currency, fraction = match["currency"], match["fraction"] or ""
    digits = EXPONENTS.get(currency, 2)
    if len(fraction) != digits:
        example = Money(42 * 10**digits, currency)
        raise ValueError(f"{text!r}: {currency} has {digits} digits after the point, like {example}")
    amount = int(match["whole"] + fraction)
    return Money(-amount if match["sign"] else amount, currency)


def written(amount: object, currency: object) -> str:
    """Minor units and a currency as people write them; anything that is no amount is shown as it is."""
    if isinstance(amount, int) and not isinstance(amount, bool) and isinstance(currency, str):
        return str(Money(amount, currency.upper()))
    return f"{currency} {amount} (not an amount)"
