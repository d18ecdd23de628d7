"""Where the money of a payment comes from: a card, a token, a stored instrument, a customer's default instrument.

A number and a CVV live only while their request is read; what is kept is in `kit.cards.remember` and two letters, the
results of the CVV and the address check.
"""

import base64
import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from simulators.checkout import wire
from simulators.checkout.params import Fields
from simulators.kit.accounts import Account
from simulators.kit.exchange import Exchange

Json = dict[str, Any]

SCHEMES = {
    "visa": "Visa",
    "mastercard": "Mastercard",
    "amex": "American Express",
    "discover": "Discover",
    "diners": "Diners Club International",
    "jcb": "JCB",
    "unionpay": "UnionPay",
}
CVV_RESULTS = {"204": "D", "205": "P", "202": "U"}
"""CVVs of the sandbox and what the check says (page "Simulate card verification outcomes"); none: N, other: Y."""
AVS_CODES = frozenset([*"ABCDFGIMNPRUYZ", "AE1", "AE2", "AE3", "AE4", "AE5", "AE6", "AE7"])
"""`address_line1` of `Test_<code>` gives that code, any other S (public page "AVS check testing")."""
TOKEN_S = 900.0
"""A card token lives 15 minutes of the account's clock and pays once."""


@dataclass(slots=True)
class Source:
    """A source that was read and found. `card` is as the kit remembers cards; `instrument` the id of a stored one."""

    card: Json
    cvv_check: str | None = None
    avs_check: str | None = None
    billing_address: Json | None = None
    phone: Json | None = None
    instrument: str | None = None
    token: str | None = None
    customer: str | None = None
    store: bool = True
    extra: Json = field(default_factory=dict)


def month(account: Account) -> tuple[int, int]:
    """Year and month on the account's clock."""
    today = datetime.fromtimestamp(account.clock.now(), UTC)
    return today.year, today.month


def cvv_result(cvv: Any) -> str:
    """The letter of the CVV check."""
    return CVV_RESULTS.get(cvv, "Y") if cvv else "N"


def avs_result(address: Json | None) -> str | None:
    """The code of the address check; none without an address."""
    if not address or not address.get("address_line1"):
        return None
    code = str(address["address_line1"]).removeprefix("Test_")
    return code if code in AVS_CODES and code != address["address_line1"] else "S"


def fingerprint(card: Json) -> str:
    """The PSP's fingerprint of a card: 26 lower-case letters and digits, equal for equal numbers."""
    return base64.b32encode(hashlib.sha256(card["fingerprint"].encode()).digest()).decode().lower()[:26]


def read(x: Exchange, asked: Fields) -> Source | None:
    """The `source` of a payment, checked and found; None where a code was noted instead."""
    if not asked.has("source"):
        asked.wrong("payment_source_required", "")
        return None
    given = asked.inside("source")
    if not given.has("type"):
        given.wrong("source_type_required", "")
        return None
    reader = _READERS.get(given.body["type"]) if isinstance(given.body["type"], str) else None
    if reader is None:
        given.wrong("payment_method_not_supported", "")
        return None
    source = reader(x, given)
    if source is not None and source.instrument is None:
        given_address, given_phone = given.address("billing_address"), given.phone()
        source.billing_address = given_address or source.billing_address
        source.phone = given_phone or source.phone
        source.store = given.flag("store_for_future_use", True)
    if source is not None:
        source.avs_check = avs_result(source.billing_address)
    return source


def _card(x: Exchange, given: Fields) -> Source | None:
    before = len(given.codes)
    given.card(month(x.account))
    if len(given.codes) > before:
        return None
    body = given.body
    card = x.card(body["number"], body["expiry_month"], body["expiry_year"], body.get("name"))
    return Source(card, cvv_result(body.get("cvv")))


def _token(x: Exchange, given: Fields) -> Source | None:
    token = given.text("token", required=True)
    if token is None:
        return None
    kept = x.store.get("tokens", token)
    if kept is None:
        given.wrong("token_invalid", "")
    elif kept["used"]:
        given.wrong("token_used", "")
    elif x.account.clock.now() > kept["expires"]:
        given.wrong("token_expired", "")
    else:
        return Source(
            kept["card"],
            kept["cvv_check"],
            billing_address=kept.get("billing_address"),
            phone=kept.get("phone"),
            token=token,
        )
    return None


def _instrument(x: Exchange, given: Fields) -> Source | None:
    wanted = Fields(given.body, given.codes, "source_").text("id", required=True)
    if wanted is None:
        return None
    kept = x.store.get("instruments", wanted)
    if kept is None:
        given.wrong("source_id_unknown", "")
        return None
    return stored(x, kept, given)


def _customer(x: Exchange, given: Fields) -> Source | None:
    wanted = Fields(given.body, given.codes, "customer_").text("id", required=True)
    if wanted is None:
        return None
    customer = x.store.get("customers", wanted)
    kept = x.store.get("instruments", customer["default"]) if customer and customer.get("default") else None
    if customer is None:
        given.wrong("customer_not_found", "")
    elif kept is None:
        given.wrong("source_invalid", "")
    else:
        return stored(x, kept, given)
    return None


def stored(x: Exchange, kept: Json, given: Fields) -> Source | None:
    """A stored instrument as a source; its card may have expired meanwhile."""
    given.text("cvv", 4, least=3, pattern="[0-9]*")
    if (kept["card"]["exp_year"], kept["card"]["exp_month"]) < month(x.account):
        given.wrong("card_expired", "")
        return None
    holder = kept.get("account_holder") or {}
    return Source(
        kept["card"],
        cvv_result(given.body["cvv"]) if given.has("cvv") else None,
        billing_address=holder.get("billing_address"),
        phone=holder.get("phone"),
        instrument=kept["id"],
        customer=kept.get("customer"),
    )


_READERS = {"card": _card, "token": _token, "id": _instrument, "customer": _customer}


def keep(account: Account, source: Source, customer: str | None) -> str | None:
    """Store the card of a payment as an instrument, unless it is one; the same card of the same customer is one.

    Returns the instrument's id, None where it is not to be stored. Inside a transaction.
    """
    if source.token is not None:
        kept = account.store.get("tokens", source.token)
        assert kept is not None, "the token was found when the request was read"
        account.store.put("tokens", {**kept, "used": True})
    if source.instrument is not None or not source.store:
        return source.instrument
    for known in account.store.find("instruments", "fingerprint", source.card["fingerprint"]):
        if known["customer"] == customer and known["card"] == source.card:
            return str(known["id"])
    holder = {"billing_address": source.billing_address, "phone": source.phone}
    holder = {key: value for key, value in holder.items() if value is not None}
    return str(add(account, source.card, customer, holder)["id"])


def add(account: Account, card: Json, customer: str | None, holder: Json | None) -> Json:
    """Make an instrument; the first of a customer is the customer's default."""
    instrument: Json = {
        "id": wire.new_id(account, "src_"),
        "fingerprint": card["fingerprint"],
        "card": card,
        "customer": customer,
        "account_holder": holder or None,
    }
    account.store.put("instruments", instrument)
    owner = account.store.get("customers", customer) if customer is not None else None
    if owner is not None:
        owner["instruments"] = [*owner["instruments"], instrument["id"]]
        owner["default"] = owner.get("default") or instrument["id"]
        account.store.put("customers", owner)
    return instrument


def details(card: Json) -> Json:
    """What every answer says of a card."""
    shown = {
        "expiry_month": card["exp_month"],
        "expiry_year": card["exp_year"],
        "name": card["name"],
        "scheme": SCHEMES.get(card["brand"]),
        "last4": card["last4"],
        "fingerprint": fingerprint(card),
        "bin": card["bin"],
        "card_type": "Credit",
        "card_category": "Consumer",
        "issuer": "PAYERA SIMULATED BANK",
        "issuer_country": "GB",
        "product_id": "F",
        "product_type": "CLASSIC",
    }
    return {key: value for key, value in shown.items() if value is not None}
