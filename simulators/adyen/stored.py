"""`/storedPaymentMethods`, `/paymentMethods` and `/cardDetails`: cards that are kept, and what can be paid with."""

import re
from typing import Any

from simulators.adyen import cards, errors, fields, refusals, tokens
from simulators.adyen.payments import answer, merchant, require
from simulators.kit import cards as kit_cards
from simulators.kit.exchange import Exchange
from simulators.kit.faults import Facts
from simulators.kit.http import Answer

Json = dict[str, Any]
BRANDS = ("visa", "mc", "amex", "discover", "diners", "jcb", "cup")
IDEAL_ISSUERS = (("1121", "Test Issuer"), ("1154", "Test Issuer 5"), ("1160", "Test Issuer Cancelled"))


def _query(x: Exchange, *required: str) -> list[str]:
    found = x.request.query
    merchant(x, found.get("merchantAccount"))
    for name in required:
        if not found.get(name):
            errors.missing(name)
    return [found[name] for name in required]


def list_facts(x: Exchange) -> Facts:
    """Check the query of a list."""
    _query(x, "shopperReference")
    return Facts("read")


def list_stored(x: Exchange) -> Answer:
    """`GET /storedPaymentMethods`"""
    (shopper,) = _query(x, "shopperReference")
    found = x.store.find(tokens.TOKENS, "shopper", shopper)
    listed = [tokens.resource(token) for token in found]
    body = {"merchantAccount": x.request.query["merchantAccount"], "shopperReference": shopper}
    return Answer.json(200, body | {"storedPaymentMethods": listed})


def store_facts(x: Exchange) -> Facts:
    """Check a card that is to be kept."""
    fields.check(fields.STORE, x.body)
    merchant(x, x.body.get("merchantAccount"))
    require(fields.STORE, x.body)
    method = cards.read(x, x.body["paymentMethod"], None)
    if method.card is None:
        errors.refuse(422, "905", "Payment details are not supported")
    x.body = {"request": x.body, "card": method.card}
    facts = Facts("*", email=x.body["request"].get("shopperEmail"))
    for name, value in kit_cards.traits(method.card).items():
        setattr(facts, name, value)
    return facts


def store(x: Exchange) -> Answer:
    """`POST /storedPaymentMethods`"""
    request = x.body["request"]
    token, _ = tokens.put(x.account, request["shopperReference"], x.body["card"], request.get("shopperEmail"))
    x.made = token["id"]
    return answer(x, 201, tokens.resource(token))


def remove_facts(x: Exchange) -> Facts:
    """Check the query of a removal."""
    _query(x, "shopperReference")
    return Facts("*")


def remove(x: Exchange) -> Answer:
    """`DELETE /storedPaymentMethods/{storedPaymentMethodId}`"""
    (shopper,) = _query(x, "shopperReference")
    token = x.store.get(tokens.TOKENS, x.params["storedPaymentMethodId"])
    if token is None or token["shopper"] != shopper:
        errors.refuse(422, "800", "Contract not found")
    x.store.delete(tokens.TOKENS, token["id"])
    return Answer(204)


def methods_facts(x: Exchange) -> Facts:
    """Check a question for payment methods."""
    fields.check(fields.METHODS, x.body)
    merchant(x, x.body.get("merchantAccount"))
    return Facts("read")


def methods(x: Exchange) -> Answer:
    """`POST /paymentMethods`"""
    issuers = [{"id": identifier, "name": name} for identifier, name in IDEAL_ISSUERS]
    every: list[Json] = [
        {"type": "scheme", "name": "Cards", "brands": list(BRANDS)},
        {"type": "ideal", "name": "iDEAL", "issuers": issuers},
    ]
    allowed, blocked = x.body.get("allowedPaymentMethods"), x.body.get("blockedPaymentMethods") or ()
    body: Json = {
        "paymentMethods": [
            one for one in every if (not allowed or one["type"] in allowed) and one["type"] not in blocked
        ]
    }
    shopper = x.body.get("shopperReference")
    if shopper:
        found = x.store.find(tokens.TOKENS, "shopper", shopper)
        body["storedPaymentMethods"] = [tokens.offered(token) for token in found]
    return answer(x, 200, body)


def card_facts(x: Exchange) -> Facts:
    """Check a question about a card number."""
    fields.check(fields.CARD_DETAILS, x.body)
    merchant(x, x.body.get("merchantAccount"))
    return Facts("read")


def card_details(x: Exchange) -> Answer:
    """`POST /cardDetails`: the brands of a number, of which six digits are enough."""
    number = x.body.get("cardNumber") or str(x.body.get("encryptedCardNumber") or "").removeprefix("test_")
    if not re.fullmatch(r"[0-9]{6,19}", number):
        errors.refuse(422, "101", "Invalid card number")
    found = refusals.variant(number)
    supported = x.body.get("supportedBrands") or BRANDS
    brands = [] if found == "card" else [{"type": found, "supported": found in supported}]
    return answer(x, 200, {"brands": brands})
