"""A scenario's routing: the document it gives, what the gateway says it would do, circuits and statistics."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from scenarios.runner import money
from scenarios.runner.wire import Account, Gateway, Unexpected

AT_ONCE = 16
"""Simulated payments asked for at the same time."""


def document(given: Mapping[str, Any], accounts: Mapping[str, Account]) -> dict[str, Any]:
    """The routing document as the API takes it: providers become the scenario's own accounts, money minor units."""
    told = given.get("routing", {})
    by_slug = {slug: account.gateway_account for slug, account in accounts.items()}
    body: dict[str, Any] = {
        "providers": [by_slug[slug] for slug in given["route"]],
        "max_fallbacks": given.get("max_fallbacks", 1),
        "rules": [_rule(rule, by_slug) for rule in told.get("rules", [])],
        "fees": [_fee(fee, by_slug) for fee in told.get("fees", [])],
    }
    return body | ({"circuit": told["circuit"]} if "circuit" in told else {})


def _rule(rule: Mapping[str, Any], by_slug: Mapping[str, str]) -> dict[str, Any]:
    when = dict(rule.get("when", {}))
    if "amount" in when:
        when["amount"] = {bound: money.parse(text).amount for bound, text in when["amount"].items()}
    result = {**rule, "when": when, "providers": [by_slug[slug] for slug in rule["providers"]]}
    if "shares" in rule:
        result["shares"] = {by_slug[slug]: percent for slug, percent in rule["shares"].items()}
    return result


def _fee(fee: Mapping[str, Any], by_slug: Mapping[str, str]) -> dict[str, Any]:
    """The fixed part may be written as money; its currency is then the row's."""
    result = {**fee, "provider": by_slug[fee["provider"]]}
    if isinstance(fee["fixed"], str):
        result["fixed"], result["currency"] = money.parse(fee["fixed"])
    return result


async def simulated(gateway: Gateway, told: Mapping[str, Any]) -> dict[str, Any]:
    """What the gateway says it would do with a payment, or how it would share out `times` of them.

    The ids of the simulated payments are the same in every run, so shares are exact, not likely.
    """
    amount, currency = money.parse(told["amount"])
    base = {"amount": amount, "currency": currency, "brand": told["brand"], "bin": told["bin"]}
    base["metadata"] = told.get("metadata", {})
    limit = asyncio.Semaphore(AT_ONCE)

    async def ask(number: int) -> dict[str, Any]:
        async with limit:
            call = await gateway.call("POST", "/v1/routing/simulate", base | {"payment_id": f"pay_{number}"})
        if call.status != 200:
            raise Unexpected(f"POST /v1/routing/simulate answered {call.status}: {call.answer[:300]!r}")
        return call.json

    decisions = await asyncio.gather(*(ask(number) for number in range(told.get("times", 1))))
    first = decisions[0]
    return {
        "rule": first["rule"],
        "by": first["by"],
        "asked": [candidate["provider"] for candidate in first["candidates"]],
        "passed_over": dict(first["passed_over"]),
        "circuits": {circuit["provider"]: circuit["state"] for circuit in first["circuits"]},
        "explored": sum(decision["explored"] for decision in decisions),
        "shares": dict(Counter(decision["candidates"][0]["provider"] for decision in decisions)),
    }


async def circuits(gateway: Gateway) -> dict[str, str]:
    """The state of each provider's circuit."""
    rows = (await gateway.get("/v1/routing/circuits"))["data"]
    return {row["provider"]: row["state"] for row in rows}


async def statistics(gateway: Gateway) -> dict[str, dict[str, Any]]:
    """What reporting has counted of the attempts, by provider."""
    today = datetime.now(UTC).date()  # a run may pass midnight
    rows = await gateway.get(f"/v1/reports/routing?from={today - timedelta(days=1)}&to={today}&by=provider")
    return {row["group"]["provider"]: row for row in rows["data"]}
