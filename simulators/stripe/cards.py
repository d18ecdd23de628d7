"""Cards: checks of what was typed, and the magic numbers of `cards.yaml`.

A full number exists only inside `card_from`; what leaves it holds BIN, last four and a fingerprint.
"""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from simulators.kit import cards as kit_cards
from simulators.stripe.errors import StripeError, not_found

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
EXPIRY_YEARS_AHEAD = 50


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What a magic card does. The words are explained at the top of `cards.yaml`."""

    decline: str | None = None
    attach: str | None = None
    three_ds: str | None = None
    refund: str | None = None
    dispute: str | None = None
    inquiry: bool = False
    warning: bool = False
    checks: str = "pass"


_WORDS = tuple(Behaviour.__slots__)


@dataclass(frozen=True, slots=True)
class Magic:
    """One row of `cards.yaml`."""

    number: str
    token: str
    country: str
    funding: str
    behaviour: Behaviour


@cache
def _magic() -> tuple[dict[str, Magic], dict[str, Magic]]:
    """Every magic card: by number, by token."""
    rows = yaml.safe_load((Path(__file__).parent / "cards.yaml").read_text(encoding="utf-8"))["cards"]
    found = []
    for row in rows:
        more = {key: row[key] for key in _WORDS if key in row}
        country, funding = row.get("country", "US"), row.get("funding", "credit")
        found.append(Magic(row["number"], row["token"], country, funding, Behaviour(**more)))
    return {card.number: card for card in found}, {card.token: card for card in found}


def magic() -> list[dict[str, Any]]:
    """The magic cards for people: number and token, and the words of `cards.yaml` that say what they do."""
    found = []
    for card in _magic()[0].values():
        does = {word: getattr(card.behaviour, word) for word in _WORDS}
        then = {word: value for word, value in does.items() if value != getattr(_PLAIN, word)}
        found.append({"when": {"pan": card.number, "token": card.token}, "then": then or "approve"})
    return found


_PLAIN = Behaviour()


def behaviour(token: str) -> Behaviour:
    """The behaviour kept with a payment method as its magic token; plain approval for every other card."""
    return _magic()[1][token].behaviour if token else _PLAIN


@cache
def _wire_fingerprint(kept: str) -> str:
    """Sixteen characters as Stripe writes them, the same for the same number within one account only."""
    value = int.from_bytes(hashlib.blake2b(kept.encode(), digest_size=12).digest(), "big")
    characters = []
    for _ in range(16):
        value, index = divmod(value, 62)
        characters.append(_ALPHABET[index])
    return "".join(characters)


def _refuse(code: str, message: str, param: str) -> StripeError:
    return StripeError(402, "card_error", message, code=code, param=param)


def card_from(typed: dict[str, Any], key: bytes, year: int, month: int, prefix: str) -> dict[str, Any]:
    """Turn `card[number]…` into what may be kept. Raises `card_error` for data that can't be a card's.

    `year` and `month` are the account's present, for the expiry check; `prefix` names the parameter in errors; `key`
    is the account's card key. The result is what the kit remembers of a card, and `wire_fingerprint`, `country`,
    `funding`, `magic` (token of the magic card, or ""), `cvc_check` (None if no code was given).
    """
    number = str(typed["number"]).replace(" ", "").replace("-", "")
    if not kit_cards.luhn_valid(number):
        raise _refuse("incorrect_number", "Your card number is incorrect.", f"{prefix}[number]")
    exp_month, exp_year = typed["exp_month"], typed["exp_year"]
    if not 1 <= exp_month <= 12:
        raise _refuse("invalid_expiry_month", "Your card's expiration month is invalid.", f"{prefix}[exp_month]")
    exp_year += 2000 if 0 <= exp_year < 100 else 0
    if not year <= exp_year <= year + EXPIRY_YEARS_AHEAD or (exp_year == year and exp_month < month):
        raise _refuse("invalid_expiry_year", "Your card's expiration year is invalid.", f"{prefix}[exp_year]")
    known = _magic()[0].get(number)
    card = kit_cards.remember(key, number, exp_month, exp_year)
    cvc = typed.get("cvc")
    lengths = (3, 4) if card["brand"] == "amex" else (3,)
    if cvc is not None and not (cvc.isascii() and cvc.isdigit() and len(cvc) in lengths):
        raise _refuse("invalid_cvc", "Your card's security code is invalid.", f"{prefix}[cvc]")
    checks = known.behaviour.checks if known else "pass"
    card["wire_fingerprint"] = _wire_fingerprint(card["fingerprint"])
    card["country"] = known.country if known else "US"
    card["funding"] = known.funding if known else "credit"
    card["magic"] = known.token if known else ""
    card["cvc_check"] = checks if cvc is not None else None
    return card


def card_from_token(token: str, key: bytes, year: int, param: str) -> dict[str, Any]:
    """The card a `pm_card_*` token stands for. Raises `resource_missing` for a token Stripe does not have."""
    known = _magic()[1].get(token)
    if known is None:
        raise not_found("PaymentMethod", token, param, status=400)
    typed = {"number": known.number, "exp_month": 12, "exp_year": year + 4, "cvc": "314"}
    return card_from(typed, key, year, 1, "card")


def number_of_token(token: str) -> str | None:
    """The magic number that a `pm_card_*` token stands for, or None."""
    known = _magic()[1].get(token)
    return known.number if known is not None else None
