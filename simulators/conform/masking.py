"""What must not be kept of real traffic: credentials, card numbers, card codes, addresses of people."""

import json
import re
from typing import Any
from urllib.parse import parse_qsl, urlencode

from simulators.kit.cards import luhn_valid

MASKED = "masked"
EMAIL = "masked@example.com"
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}")
_DIGITS = re.compile(r"(?<![A-Za-z0-9])(?:\d[ -]?){11,18}\d(?![A-Za-z0-9])")
_CODES = frozenset({"cvc", "cvv", "cvc2", "cvv2", "cid", "csc", "security_code", "securitycode", "card_code", "pin"})
_SECRETS = frozenset(
    {
        "api_key", "apikey", "password", "secret", "client_secret", "clientsecret", "access_token", "refresh_token",
        "id_token", "private_key", "authorization", "hmacsignature", "encryptedcardnumber", "encryptedsecuritycode",
        "token", "network_token", "cryptogram", "cavv",
    }
)  # fmt: skip
_PEOPLE = frozenset({"name", "holder_name", "holdername", "phone", "phone_number", "line1", "line2", "ip", "shopperip"})


def text(value: str) -> str:
    """Card numbers (by their check digit) keep six and four digits; e-mail addresses become one of ours."""

    def number(found: re.Match[str]) -> str:
        digits = re.sub(r"[ -]", "", found[0])
        return f"{digits[:6]}{'*' * (len(digits) - 10)}{digits[-4:]}" if luhn_valid(digits) else found[0]

    return _EMAIL.sub(EMAIL, _DIGITS.sub(number, value))


def _by_name(name: str, value: Any) -> Any:
    plain = name.lower().replace("-", "_")
    if plain in _CODES:
        return "***"
    if (plain in _SECRETS or plain in _PEOPLE) and isinstance(value, str):
        return MASKED
    return anything(value)


def anything(value: Any) -> Any:
    """JSON with everything masked that its name or its content gives away."""
    if isinstance(value, dict):
        return {name: _by_name(name, item) for name, item in value.items()}
    if isinstance(value, list):
        return [anything(item) for item in value]
    if isinstance(value, str):
        return text(value)
    if isinstance(value, int) and not isinstance(value, bool) and luhn_valid(str(value)) and len(str(value)) > 12:
        return text(str(value))
    return value


def body(raw: bytes, content_type: str) -> Any:
    """A body as it may be kept: JSON as JSON, a form with its names, anything else as masked text. None for none."""
    if not raw:
        return None
    if "json" in content_type:
        try:
            return anything(json.loads(raw))
        except ValueError:
            return text(raw.decode(errors="replace"))
    if "x-www-form-urlencoded" in content_type:
        pairs = parse_qsl(raw.decode(errors="replace"), keep_blank_values=True)
        return urlencode([(name, _by_name(name.rpartition("[")[2].rstrip("]"), value)) for name, value in pairs])
    return text(raw.decode(errors="replace"))


def path(given: str) -> str:
    """A path with its query."""
    way, mark, query = given.partition("?")
    pairs = [(name, str(_by_name(name, value))) for name, value in parse_qsl(query, keep_blank_values=True)]
    return text(way) + (f"?{urlencode(pairs)}" if mark else "")
