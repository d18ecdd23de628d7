"""The routing document through the API: rules decide, simulate explains, circuits keep payments away."""

from typing import Any

from tests.integration.api_world import VISA, Json, Shop, World
from tests.integration.test_api import pay, problem

MASTERCARD = VISA | {"number": "5555555555554444"}


def two_accounts(world: World) -> tuple[Shop, Json]:
    """A shop with a second account at dummypay; the document names accounts by id."""
    shop = world.open_shop(routing=False)
    psp = world.control_call("POST", "/v1/dummypay/accounts", {})
    body = {
        "provider": "dummypay",
        "base_url": psp["url"],
        "credentials": {"api_key": psp["api_key"], "webhook_secret": psp["webhook_secret"]},
    }
    second = world.call("POST", "/v1/provider_accounts", body, key=shop.secret_key)
    assert second.status_code == 201, second.text
    account: Json = second.json()
    return shop, account


def route(world: World, shop: Shop, **document: Any) -> Json:
    answer = world.call("PUT", "/v1/routing", document, key=shop.secret_key)
    assert answer.status_code == 200, answer.text
    view: Json = answer.json()
    return view


def asked(world: World, shop: Shop, payment: Json) -> list[str]:
    path = f"/v1/payments/{payment['id']}/attempts"
    return [row["provider_account"] for row in world.call("GET", path, key=shop.secret_key).json()["data"]]


def test_a_rule_decides_and_simulate_says_why(world: World) -> None:
    shop, second = two_accounts(world)
    first = shop.account["id"]
    dear = {"brand": ["mastercard"], "amount": {"at_least": 1000}}
    rules = [
        {"id": "dollars", "when": {"currency": ["USD"]}, "providers": [second["id"]]},
        {"id": "mastercard", "when": dear, "providers": [second["id"]]},
    ]
    view = route(world, shop, providers=[first, second["id"]], max_fallbacks=1, rules=rules)
    assert [rule["id"] for rule in view["rules"]] == ["dollars", "mastercard"]
    assert asked(world, shop, pay(world, shop)) == [first]
    assert asked(world, shop, pay(world, shop, card=MASTERCARD)) == [second["id"]]
    assert asked(world, shop, pay(world, shop, card=MASTERCARD, amount=999)) == [first]
    body = {"amount": 1000, "currency": "EUR", "brand": "mastercard", "bin": "555555", "payment_id": "pay_1"}
    answer = world.call("POST", "/v1/routing/simulate", body, key=shop.secret_key)
    assert answer.status_code == 200, answer.text
    plain = {"provider": "dummypay", "rate": None, "fee": None, "circuit_open": False}
    assert answer.json() == {
        "object": "routing_decision",
        "rule": "mastercard",
        "by": "order",
        "explored": False,
        "passed_over": [["dollars", "currency"]],
        "candidates": [{"account": second["id"]} | plain, {"account": first} | plain],
        "max_fallbacks": 1,
        "facts": {
            "payment_id": "pay_1",
            "amount": 1000,
            "currency": "EUR",
            "brand": "mastercard",
            "bin": "555555",
            "method": "card",
            "issuer_country": None,
            "mcc": None,
            "metadata": {},
        },
    }


def test_least_cost_goes_first(world: World) -> None:
    shop, second = two_accounts(world)
    first = shop.account["id"]
    fees = [
        {"provider": first, "basis_points": 140, "fixed": 25},
        {"provider": second["id"], "basis_points": 290, "fixed": 0},
    ]
    rules = [{"id": "cheapest", "by": "cost", "providers": [first, second["id"]]}]
    route(world, shop, providers=[first, second["id"]], max_fallbacks=0, rules=rules, fees=fees)
    assert asked(world, shop, pay(world, shop, amount=1000)) == [second["id"]]  # 29 against 39
    assert asked(world, shop, pay(world, shop, amount=10_000)) == [first]  # 165 against 290


def test_five_failures_open_the_circuit_and_a_success_closes_it(world: World) -> None:
    shop, second = two_accounts(world)
    first = shop.account["id"]
    route(world, shop, providers=[first, second["id"]], max_fallbacks=0)
    world.fault(shop, {"operation": "authorize"}, {"action": "server_error", "status": 500}, times=5)
    for _ in range(5):
        pay(world, shop, status=202)
    payment = pay(world, shop)
    assert asked(world, shop, payment) == [second["id"]]
    body = {"amount": 1000, "currency": "EUR", "brand": "visa", "bin": "424242"}
    said = world.call("POST", "/v1/routing/simulate", body, key=shop.secret_key).json()
    assert [(each["account"], each["circuit_open"]) for each in said["candidates"]] == [
        (second["id"], False),
        (first, True),
    ]


def test_a_wrong_document_is_refused_by_name(world: World) -> None:
    shop, second = two_accounts(world)
    first = shop.account["id"]
    split = {"id": "half", "by": "split", "providers": [first, second["id"]], "shares": {first: 50}}
    answer = world.call("PUT", "/v1/routing", {"providers": [first], "rules": [split]}, key=shop.secret_key)
    (error,) = problem(answer, 422, "invalid_request")["errors"]
    assert error == {
        "where": "rules.0",
        "what": "splits, but its shares are not 100 percent over its providers",
        "how": "correct `shares`",
    }
    unknown = [{"id": "lost", "providers": ["nobody"]}]
    answer = world.call("PUT", "/v1/routing", {"providers": [first], "rules": unknown}, key=shop.secret_key)
    assert "nobody" in problem(answer, 422, "provider_account_not_found")["detail"]
