"""Checks of what a client sends. Wrong fields are collected, so that one answer names them all.

A code that Checkout.com publishes is used where it fits (`amount_invalid`, `card_number_required`); for the other
fields its convention, the field's name with `_required` or `_invalid`. Unknown fields are ignored, as the PSP does.
"""

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from simulators.checkout import errors
from simulators.kit import cards

Json = dict[str, Any]
MAX_AMOUNT = 9_999_999_999
HUNDREDTHS = frozenset(("CLP",))
"""Without minor units in ISO 4217; this PSP takes them with two zeros (its page "Calculating the value")."""
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+|[^@\s]+@localhost")


class Fields:
    """An object of the request with the codes of everything wrong in it. `refuse` ends the reading.

    Every reader returns the value, or None where it is absent or wrong.
    """

    def __init__(self, body: Mapping[str, Any], codes: list[str] | None = None, prefix: str = "") -> None:
        self.body = body
        self.codes: list[str] = [] if codes is None else codes
        self._prefix = prefix

    def wrong(self, name: str, why: str = "invalid") -> None:
        """Note a code: `name` may be a whole code already (`why` empty)."""
        code = f"{self._prefix}{name}_{why}" if why else name
        if code not in self.codes:
            self.codes.append(code)

    def refuse(self) -> None:
        """Raises Refusal (422) if anything is wrong."""
        if self.codes:
            errors.invalid(*self.codes)

    def inside(self, name: str, prefix: str = "", code: str | None = None) -> "Fields":
        """The fields of an object inside; of an empty one, where it is absent or wrong."""
        value = self.body.get(name)
        if value is not None and not isinstance(value, dict):
            self.wrong(code or name)
            value = None
        return Fields(value or {}, self.codes, prefix)

    def has(self, name: str) -> bool:
        """Whether the field was sent with a value."""
        return self.body.get(name) is not None

    def text(
        self, name: str, most: int = 255, *, least: int = 1, required: bool = False, pattern: str | None = None
    ) -> str | None:
        """A string of `least` to `most` characters."""
        value = self.body.get(name)
        if value is None:
            if required:
                self.wrong(name, "required")
            return None
        good = isinstance(value, str) and least <= len(value) <= most
        if not good or (pattern is not None and not re.fullmatch(pattern, value)):
            self.wrong(name)
            return None
        return str(value)

    def choice(self, name: str, words: Collection[str], default: str | None = None) -> str | None:
        """One of `words`."""
        value = self.body.get(name)
        if value is None:
            return default
        if not isinstance(value, str) or value not in words:
            self.wrong(name)
            return default
        return value

    def flag(self, name: str, default: bool) -> bool:
        """true or false."""
        value = self.body.get(name, default)
        if value is None:
            return default
        if not isinstance(value, bool):
            self.wrong(name)
            return default
        return value

    def amount(self, currency: str | None, *, least: int = 1) -> int | None:
        """The amount in this PSP's minor units of the currency."""
        name, value = "amount", self.body.get("amount")
        if value is None:
            return None
        broken = currency in HUNDREDTHS and type(value) is int and value % 100
        if type(value) is not int or not least <= value <= MAX_AMOUNT or broken:
            self.wrong(name)
            return None
        return value

    def whole(self, name: str, low: int, high: int, *, required: bool = False) -> int | None:
        """An integer from `low` to `high`."""
        value = self.body.get(name)
        if value is None:
            if required:
                self.wrong(name, "required")
            return None
        if type(value) is not int or not low <= value <= high:
            self.wrong(name)
            return None
        return value

    def currency(self) -> str | None:
        """Three upper-case letters (ISO 4217)."""
        return self.text("currency", 3, least=3, required=True, pattern="[A-Z]{3}")

    def email(self, code: str = "email_invalid", *, required: bool = False) -> str | None:
        """An e-mail address."""
        value = self.body.get("email")
        if value is None:
            if required:
                self.wrong("email", "required")
            return None
        if not isinstance(value, str) or len(value) > 255 or not _EMAIL.fullmatch(value):
            self.wrong(code, "")
            return None
        return value

    def url(self, name: str, code: str) -> str | None:
        """An absolute http or https address of up to 1024 characters."""
        value = self.body.get(name)
        if value is None:
            return None
        if isinstance(value, str) and len(value) <= 1024 and _is_url(value):
            return value
        self.wrong(code, "")
        return None

    def moment(self, name: str) -> float | None:
        """An ISO 8601 time, in seconds since the epoch; without a zone it is UTC."""
        value = self.body.get(name)
        if value is None:
            return None
        try:
            moment = datetime.fromisoformat(value)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except (TypeError, ValueError, OverflowError):
            self.wrong(name)
            return None

    def metadata(self) -> Json | None:
        """A flat object of strings, numbers and booleans."""
        value = self.body.get("metadata")
        if value is None:
            return None
        if not isinstance(value, dict) or any(isinstance(item, dict | list) for item in value.values()):
            self.wrong("metadata_key_invalid", "")
            return None
        return value

    def address(self, name: str) -> Json | None:
        """A billing or shipping address, as it was sent."""
        inner = self.inside(name, "", code=f"{name}")
        if not self.has(name):
            return None
        for line, most in (("address_line1", 200), ("address_line2", 200), ("city", 50), ("state", 50), ("zip", 50)):
            inner.text(line, most, least=0)
        inner.text("country", 2, least=2)
        return dict(inner.body)

    def phone(self) -> Json | None:
        """A phone number, as it was sent."""
        if not self.has("phone"):
            return None
        inner = self.inside("phone", "phone_")
        inner.text("country_code", 7)
        inner.text("number", 25, least=6)
        return dict(inner.body)

    def card(self, month: tuple[int, int]) -> None:
        """The number, expiry and CVV of a card; `month` is the account's (year, month)."""
        number = self.body.get("number")
        if number is None:
            self.wrong("card_number", "required")
        elif not isinstance(number, str) or not cards.luhn_valid(number):
            self.wrong("card_number")
        inner = Fields(self.body, self.codes, "card_")
        expiry_month = inner.whole("expiry_month", 1, 12, required=True)
        expiry_year = inner.whole("expiry_year", 1000, 9999, required=True)
        if expiry_month is not None and expiry_year is not None and (expiry_year, expiry_month) < month:
            self.wrong("card_expired", "")
        self.text("cvv", 4, least=3, pattern="[0-9]*")
        if self.body.get("name") is not None and not isinstance(self.body["name"], str):
            self.wrong("card_holder")


def iso_minor_units(amount: int, currency: str) -> int:
    """An amount of this PSP's wire in the minor units of ISO 4217, which the journal speaks. Parts of one are cut."""
    return amount // 100 if currency in HUNDREDTHS else amount


def _is_url(value: str) -> bool:
    try:
        parts = urlsplit(value)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False
