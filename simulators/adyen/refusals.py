"""How Adyen refuses: reason, code, the issuer's raw words, and the result code that goes with them (`rules.yaml`)."""

from dataclasses import dataclass, replace

from simulators.kit.accounts import Account
from simulators.kit.cards import brand
from simulators.kit.rules import Decline

RAW_LIMIT = 80
"""Characters of a raw answer that a cardholder name can set, from Adyen's page "Testing result codes"."""

ADVICE = {
    "01": "New account information available", "02": "Try again later", "03": "Do not try again",
    "04": "Token requirements not fulfilled", "21": "Payment cancellation", "22": "Merchant does not qualify",
    "24": "Retry after 1 hour", "25": "Retry after 24 hours", "26": "Retry after 2 days", "27": "Retry after 4 days",
    "28": "Retry after 6 days", "29": "Retry after 8 days", "30": "Retry after 10 days",
    "40": "Consumer non-reloadable prepaid card", "41": "Consumer single-use virtual card number",
    "42": "Sanctions score exceeds threshold", "99": "Do not try again",
}  # fmt: skip
"""Mastercard's merchant advice codes, as `additionalData.merchantAdviceCode` words them after the code."""


@dataclass(frozen=True, slots=True)
class Refused:
    """`word` is the entry of `rules.yaml`, `iso` the network's answer, None where no issuer was asked."""

    word: str
    code: str
    reason: str
    result: str = "Refused"
    iso: str | None = None
    raw: str | None = None
    advice: str | None = None

    def with_advice(self, code: str | None) -> "Refused":
        """The same with the merchant advice code that a fault adds, in Adyen's words, if it adds one."""
        return self if code is None else replace(self, advice=f"{code} : {ADVICE.get(code, 'Unknown')}")

    def with_raw(self, raw: str | None) -> "Refused":
        """The same with another raw answer, if there is one."""
        return self if not raw else replace(self, raw=raw[:RAW_LIMIT])

    def additional_data(self, card_brand: str) -> dict[str, str]:
        """What `additionalData` says about it; only Mastercard gives advice."""
        said = {} if self.raw is None else {"refusalReasonRaw": self.raw}
        if self.advice is not None and card_brand == "mastercard":
            said["merchantAdviceCode"] = self.advice
        return said


def find(account: Account, code: str) -> Refused:
    """The refusal of that word or of that network answer. Raises BadRule for what `rules.yaml` does not have."""
    rules = account.world.rules
    found = rules.decline(code)
    if "means" in found.data:
        return replace(find(account, found.data["means"]), iso=found.code, raw=found.data["raw"])
    data = found.data
    return Refused(
        word=found.code,
        code=data["code"],
        reason=data["reason"],
        result=data.get("result", "Refused"),
        iso=found.iso,
        raw=data.get("raw"),
        advice=data.get("advice"),
    )


def said(account: Account, decline: Decline) -> Refused:
    """The refusal that a fault asks for, with its advice."""
    return find(account, decline.code).with_advice(decline.advice)


def by_number(account: Account, number: str) -> Refused | None:
    """The refusal that a `RequestedTestAcquirerResponseCode` asks for, if that number is one."""
    for word, decline in account.world.rules.declines.items():
        if decline.data.get("code") == number:
            return find(account, word)
    return None


def variant(number: str) -> str:
    """Adyen's own name of a card's scheme, by its first digits."""
    names = {"mastercard": "mc", "unionpay": "cup", "unknown": "card"}
    found = brand(number)
    return names.get(found, found)
