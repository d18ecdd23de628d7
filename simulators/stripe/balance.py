"""The merchant's balance: what every movement of money leaves in it, fees taken off, available some days later.

A balance transaction is stored as the wire object with one field more, `payout`: the automatic payout that paid it out.
Whether it is `pending` or `available` depends on the account's clock, so it is decided when somebody looks.
"""

from collections.abc import Iterator
from typing import Any

from simulators.kit.lifecycle import PROGRESS
from simulators.stripe import lists, objects_money
from simulators.stripe.call import Call
from simulators.stripe.errors import not_found
from simulators.stripe.money import exponent
from simulators.stripe.objects import Json

AVAILABLE_AFTER_S = 2 * 86_400
"""Two days, the shortest payout speed of Stripe's public table for European accounts (its business days: all days)."""
FEE_BASIS_POINTS, FEE_FIXED_HUNDREDTHS = 150, 25
"""Stripe's published European price of a standard card: 1.5 % and 0.25 of the currency's main unit."""
DISPUTE_FEE_HUNDREDTHS = 2000
"""Published fee of a dispute: 20.00 in the currency's main unit."""
ACCOUNT_CURRENCY = "eur"
"""What an empty balance is shown in."""
SCHEDULE = "payout_schedule"
"""The lifecycle of automatic payouts and the id under which the next one waits."""


def _hundredths(amount: int, currency: str) -> int:
    """Hundredths of a main unit in the currency's minor units; currencies without minor units pay full units."""
    digits = exponent(currency)
    return amount * 10 ** (digits - 2) if digits >= 2 else amount // 100


def payment_fee(amount: int, currency: str) -> int:
    """The processing fee of a captured amount, both in minor units; half a unit is rounded up."""
    return (amount * FEE_BASIS_POINTS + 5_000) // 10_000 + _hundredths(FEE_FIXED_HUNDREDTHS, currency)


def dispute_fee(currency: str) -> int:
    """The fee of a dispute in minor units of `currency`."""
    return _hundredths(DISPUTE_FEE_HUNDREDTHS, currency)


def book(
    call: Call,
    source: Json,
    kind: str,
    amount: int,
    *,
    fee: int = 0,
    category: str | None = None,
    after_s: int = AVAILABLE_AFTER_S,
) -> str:
    """Stage a balance transaction of `amount` (minor units, negative when money leaves); returns its id."""
    identifier = "txn_" + source["id"].partition("_")[2]
    if call.get("balance_transaction", identifier) is not None:
        identifier = call.new_id("txn_3", 23)
    item = objects_money.balance_transaction(
        identifier, call.created, source, kind, amount, fee, category or kind, call.created + after_s
    )
    call.put("balance_transaction", {**item, "payout": None})
    schedule = call.account.mode(SCHEDULE)
    if schedule.seconds and (PROGRESS, SCHEDULE) not in call.account.store:
        call.later(SCHEDULE, "pay_out", schedule.seconds, {})
    return str(identifier)


def shown(call: Call, kept: Json) -> Json:
    """The wire object of a stored balance transaction."""
    item = {name: value for name, value in kept.items() if name != "payout"}
    item["status"] = "available" if kept["available_on"] <= call.created else "pending"
    return item


def every(call: Call) -> Iterator[Json]:
    """All stored balance transactions, oldest first."""
    return call.account.store.all("balance_transaction")


def available(call: Call, currency: str) -> int:
    """What can be paid out now, in minor units."""
    return sum(i["net"] for i in every(call) if i["currency"] == currency and i["available_on"] <= call.created)


def retrieve_balance(call: Call) -> Json:
    """`GET /v1/balance`."""
    sums: dict[str, list[int]] = {}
    for item in every(call):
        place = sums.setdefault(item["currency"], [0, 0])
        place[item["available_on"] <= call.created] += item["net"]
    if not sums:
        sums[ACCOUNT_CURRENCY] = [0, 0]

    def amounts(which: int) -> list[Json]:
        return [
            {"amount": both[which], "currency": currency, "source_types": {"card": both[which]}}
            for currency, both in sorted(sums.items())
        ]

    return {"object": "balance", "available": amounts(1), "livemode": False, "pending": amounts(0)}


def retrieve(call: Call) -> Json:
    """`GET /v1/balance_transactions/{id}`."""
    return shown(call, call.need("balance_transaction", call.path[0], "id", kind="balance transaction"))


def list_all(call: Call) -> Json:
    """`GET /v1/balance_transactions`; `payout` shows what an automatic payout consists of, the payout included."""
    params = call.params
    items: Any = None
    if params.get("payout") is not None:
        payout = call.get("payout", params["payout"])
        if payout is None:
            raise not_found("payout", params["payout"], "payout", status=400)
        own = [call.need("balance_transaction", payout["balance_transaction"], "payout")]
        items = call.find("balance_transaction", "payout", payout["id"]) if payout["automatic"] else own
    elif params.get("source") is not None:
        items = call.find("balance_transaction", "source", params["source"])
    page = lists.page(
        call,
        "balance_transaction",
        "/v1/balance_transactions",
        None if items is None else list(reversed(items)),
        currency=params.get("currency"),
        type=params.get("type"),
        source=params.get("source"),
    )
    return {**page, "data": [shown(call, item) for item in page["data"]]}
