"""Stored payment methods: kept with a payment or on their own, listed, deleted, charged later without the shopper."""

from typing import Any

from simulators.adyen import notifications
from simulators.adyen.errors import PSP_ALPHABET
from simulators.adyen.fields import MODELS
from simulators.kit.accounts import Account

Json = dict[str, Any]
TOKENS = "tokens"
BRAND_NAMES = {"visa": "VISA", "mc": "Mastercard", "amex": "American Express", "discover": "Discover"}
INTERACTIONS = ("Ecommerce", "ContAuth")


def keep(account: Account, payment: Json) -> dict[str, str]:
    """Store the card of an approved payment; returns what `additionalData` says about it."""
    token, operation = put(account, payment["shopper"], payment["card"], payment["email"])
    if operation == "created":
        notifications.send(
            account,
            "RECURRING_CONTRACT",
            payment,
            psp_reference=token["id"],
            value=0,
            original=payment["id"],
            additional={"recurring.recurringDetailReference": token["id"], "shopperReference": payment["shopper"]},
            more={"originalPsp": payment["id"]},
        )
    network = payment["additional"]["networkTxReference"]
    account.store.put(TOKENS, {**token, "network_reference": network})
    return {**shown(token["id"], payment["shopper"]), "tokenization.store.operationType": operation}


def shown(token: str, shopper: str) -> dict[str, str]:
    """How a stored card is named in `additionalData`."""
    return {
        "tokenization.storedPaymentMethodId": token,
        "tokenization.shopperReference": shopper,
        "recurring.recurringDetailReference": token,
        "recurring.shopperReference": shopper,
    }


def put(account: Account, shopper: str, card: Json, email: str | None) -> tuple[Json, str]:
    """The shopper's token of a card, and whether it was `created`, `updated` or is `alreadyExisting`."""
    for known in account.store.find(TOKENS, "shopper", shopper):
        if known["card"]["fingerprint"] == card["fingerprint"]:
            same = (known["card"]["exp_month"], known["card"]["exp_year"]) == (card["exp_month"], card["exp_year"])
            known = {**known, "card": card}
            account.store.put(TOKENS, known)
            return known, "alreadyExisting" if same else "updated"
    token: Json = {
        "id": account.new_id("", 16, PSP_ALPHABET),
        "shopper": shopper,
        "email": email,
        "card": card,
        "network_reference": None,
    }
    account.store.put(TOKENS, token)
    return token, "created"


def resource(token: Json) -> Json:
    """A stored payment method as its own endpoints show it."""
    card = token["card"]
    view = {
        "id": token["id"],
        "type": "scheme",
        "brand": card["variant"],
        "cardBin": card["bin"],
        "lastFour": card["last4"],
        "expiryMonth": f"{card['exp_month']:02}",
        "expiryYear": str(card["exp_year"]),
        "holderName": card["name"],
        "name": BRAND_NAMES.get(card["variant"], card["variant"]),
        "networkTxReference": token["network_reference"],
        "shopperEmail": token["email"],
        "shopperReference": token["shopper"],
        "supportedRecurringProcessingModels": list(MODELS),
    }
    return {key: value for key, value in view.items() if value is not None}


def offered(token: Json) -> Json:
    """A stored payment method as `/paymentMethods` offers it to its shopper."""
    view = resource(token)
    shown_there = ("brand", "expiryMonth", "expiryYear", "holderName", "id", "lastFour", "name", "networkTxReference",
                   "shopperEmail", "supportedRecurringProcessingModels", "type")  # fmt: skip
    return {key: view[key] for key in shown_there if key in view} | {"supportedShopperInteractions": list(INTERACTIONS)}
