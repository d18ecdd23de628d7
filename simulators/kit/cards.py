"""Cards as a simulator may keep them: fingerprint, BIN, last four. The number is never stored, logged or shown."""

import hashlib
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_BRANDS: tuple[tuple[str, str], ...] = (
    (r"4", "visa"),
    (r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720", "mastercard"),
    (r"3[47]", "amex"),
    (r"6011|64[4-9]|65", "discover"),
    (r"35(2[89]|[3-8])", "jcb"),
    (r"30[0-5]|36|38|39", "diners"),
    (r"62|81", "unionpay"),
)
_PAN_LIKE = re.compile(r"(?<!\d)\d{12,19}(?!\d)")


def brand(number: str) -> str:
    """The scheme a card number belongs to, by its first digits (ISO/IEC 7812 ranges), or `unknown`."""
    return next((name for pattern, name in _BRANDS if re.match(pattern, number)), "unknown")


def luhn_valid(number: str) -> bool:
    """Whether `number` is 12 to 19 digits whose check digit is right (ISO/IEC 7812-1, annex B)."""
    if not re.fullmatch(r"[0-9]{12,19}", number):
        return False
    digits = [int(character) for character in reversed(number)]
    return sum(digit if place % 2 == 0 else sum(divmod(2 * digit, 10)) for place, digit in enumerate(digits)) % 10 == 0


def fingerprint(key: bytes, number: str) -> str:
    """A keyed hash that tells equal cards from different ones; `key` belongs to the simulator's state folder."""
    return hashlib.blake2b(number.encode(), key=key, digest_size=12).hexdigest()


def remember(key: bytes, number: str, exp_month: int, exp_year: int, name: str | None = None) -> dict[str, Any]:
    """All that a simulator keeps of a card: a JSON object without the number and without the CVC."""
    return {
        "fingerprint": fingerprint(key, number),
        "bin": number[:6],
        "last4": number[-4:],
        "brand": brand(number),
        "exp_month": exp_month,
        "exp_year": exp_year,
        "name": name,
    }


def mask(text: str) -> str:
    """`text` with everything that looks like a card number reduced to its first six and last four digits."""
    return _PAN_LIKE.sub(lambda found: f"{found[0][:6]}{'*' * (len(found[0]) - 10)}{found[0][-4:]}", text)


def traits(card: Mapping[str, Any]) -> dict[str, str | None]:
    """The parts of a remembered card that rules can match, named as `Facts` names them."""
    return {"fingerprint": card["fingerprint"], "bin": card["bin"], "last4": card["last4"], "name": card.get("name")}


def card_key(state: Path | None) -> bytes:
    """The key of card fingerprints: made once per state folder, shared by all simulators in it."""
    if state is None:
        return secrets.token_bytes(32)
    path = state / "card.key"
    if not path.exists():
        state.mkdir(parents=True, exist_ok=True)
        path.write_bytes(secrets.token_bytes(32))
        path.chmod(0o600)
    return path.read_bytes()
