"""How Dummypay's wire looks: authentication, parsing, idempotency, signature, and checks of input."""

import hashlib
import hmac
import re
from typing import Any

import orjson

from simulators.dummypay import errors, movements
from simulators.kit import cards
from simulators.kit.faults import Facts
from simulators.kit.http import Refusal, Request
from simulators.kit.idempotency import IdempotencyPolicy
from simulators.kit.spec import Dialect, Signed

MAX_AMOUNT = 99_999_999_999
MAX_PROSE = 1000
PROOF = {
    "version": r"^2\.[123]\.[01]$",
    "eci": "^0[1256]$",
    "cavv": "^[A-Za-z0-9+/]{27}=$",
    "ds_transaction_id": "^[0-9A-Fa-f-]{36}$",
}
"""What the proof of an authentication made elsewhere consists of, and how each part looks."""
_REFERENCE = re.compile(r"[\x20-\x7e]{1,255}")


def parse(request: Request) -> dict[str, Any]:
    """The JSON object of the body; an empty body is an empty object. Raises Refusal for anything else."""
    if not request.body:
        return {}
    try:
        value = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        raise Refusal(errors.problem("malformed_request", {}, request))
    return value


def sign(secret: str, body: bytes, timestamp: int) -> Signed:
    """`Dummypay-Signature: t=…,v1=…` over the raw bytes."""
    digest = hmac.new(secret.encode(), b"%d.%b" % (timestamp, body), hashlib.sha256).hexdigest()
    return {"Dummypay-Signature": f"t={timestamp},v1={digest}"}, body


def amount_of(body: dict[str, Any], *, default: int | None = None) -> int:
    """The amount in minor units. Raises Refusal if it is missing (and has no default) or not a positive integer."""
    value = body.get("amount", default)
    if type(value) is not int or not 0 < value <= MAX_AMOUNT:
        errors.invalid("amount", "A positive integer in minor units is needed.")
    return value


def currency_of(body: dict[str, Any]) -> str:
    """The currency, upper-case ISO 4217. Raises Refusal."""
    value = body.get("currency")
    if not isinstance(value, str) or not re.fullmatch(r"[A-Z]{3}", value):
        errors.invalid("currency", "An upper-case ISO 4217 code is needed.")
    return value


def text_of(body: dict[str, Any], name: str) -> str | None:
    """An optional string of up to 255 printable ASCII characters. Raises Refusal."""
    value = body.get(name)
    if value is not None and not (isinstance(value, str) and _REFERENCE.fullmatch(value)):
        errors.invalid(name, "Up to 255 printable characters.")
    return value


def prose_of(body: dict[str, Any], name: str) -> str | None:
    """An optional text for people, up to a thousand characters. Raises Refusal."""
    value = body.get(name)
    if value is not None and not (isinstance(value, str) and len(value) <= MAX_PROSE):
        errors.invalid(name, "Up to a thousand characters.")
    return value


def initiator_of(body: dict[str, Any]) -> str:
    """Who asks: the shopper, or the merchant for a shopper who agreed before. Raises Refusal."""
    value = body.get("initiator", "shopper")
    if value not in ("shopper", "merchant"):
        errors.invalid("initiator", "shopper or merchant.")
    text_of(body, "previous_network_transaction_id")
    return str(value)


def authentication_of(body: dict[str, Any]) -> dict[str, str | None] | None:
    """The proof of an authentication made elsewhere, if the request brings one. Raises Refusal."""
    given = body.get("authentication")
    if given is None:
        return None
    if not isinstance(given, dict):
        errors.invalid("authentication", "version, eci, cavv and ds_transaction_id.")
    for name, pattern in PROOF.items():
        if not isinstance(given.get(name), str) or not re.fullmatch(pattern, given[name]):
            errors.invalid(f"authentication.{name}", "Not what an authentication gives.")
    names = {"version": "version", "eci": "eci", "ds_transaction_id": "ds_transaction_id", "cryptogram": "cavv"}
    return {shown: given[name] for shown, name in names.items()}


def flag_of(body: dict[str, Any], name: str) -> bool:
    """An optional boolean that is true by default. Raises Refusal."""
    value = body.get(name, True)
    if not isinstance(value, bool):
        errors.invalid(name, "true or false.")
    return value


def card_of(body: dict[str, Any]) -> dict[str, Any]:
    """The card as it was sent, checked. It holds the number: only for `Exchange.card`. Raises Refusal."""
    card = body.get("card")
    if not isinstance(card, dict):
        errors.invalid("card", "A card is needed.")
    number, month, year = card.get("number"), card.get("exp_month"), card.get("exp_year")
    if not isinstance(number, str) or not cards.luhn_valid(number):
        errors.invalid("card.number", "Not a card number.")
    if type(month) is not int or not 1 <= month <= 12:
        errors.invalid("card.exp_month", "1 to 12.")
    if type(year) is not int or not 2000 <= year <= 2099:
        errors.invalid("card.exp_year", "Four digits.")
    if card.get("cvc") is not None and not re.fullmatch(r"[0-9]{3,4}", str(card["cvc"])):
        errors.invalid("card.cvc", "Three or four digits.")
    if card.get("name") is not None and not isinstance(card["name"], str):
        errors.invalid("card.name", "A string.")
    return card


def facts_with_card(facts: Facts, remembered: dict[str, Any]) -> Facts:
    """`facts` with what rules may match in a card."""
    for name, value in cards.traits(remembered).items():
        setattr(facts, name, value)
    return facts


DIALECT = Dialect(
    credential=Request.bearer,
    parse=parse,
    problem=errors.problem,
    idempotency=IdempotencyPolicy(keeps="executed", replay_header=("Idempotent-Replayed", "true")),
    actions=movements.ACTIONS,
    indexes={
        "charges": ("reference", "payment"),
        "captures": ("reference", "charge"),
        "voids": ("reference", "charge"),
        "refunds": ("reference", "charge"),
        "disputes": ("charge",),
    },
    sign=sign,
    webhook_schedule=(5, 60, 600, 3600),
    webhook_headers={"User-Agent": "Dummypay/1"},
)
