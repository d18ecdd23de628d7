"""The routing document through the API: rules decide, simulate explains, circuits keep payments away."""

from typing import Any

from tests.integration.api_world import ADMIN_KEY, VISA, Json, Shop, World
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
        "circuits": [],
        "explanation": ["Rule dollars does not apply: currency.", "Rule mastercard decides: in the order given."],
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
    (circuit,) = said["circuits"]
    until = circuit.pop("open_until")
    expected = {"object": "circuit", "provider": "dummypay", "provider_account": first, "state": "open"}
    assert circuit == expected | {"failures": 5, "threshold": 5}
    assert said["explanation"] == [
        "No rule applies: the providers stand in the document's order.",
        f"dummypay goes last: its circuit is open until {until}, after 5 failures.",
    ]
    circuits = world.call("GET", "/v1/routing/circuits", key=shop.secret_key).json()
    assert [(each["provider_account"], each["state"], each["failures"]) for each in circuits["data"]] == [
        (first, "open", 5),
        (second["id"], "closed", 0),
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


def test_when_a_circuit_opens_is_the_merchants_to_say(world: World) -> None:
    shop, second = two_accounts(world)
    first = shop.account["id"]
    assert route(world, shop, providers=[first], max_fallbacks=0)["circuit"] == {"failures": 5, "pause_s": 30}
    view = route(world, shop, providers=[first], max_fallbacks=0, circuit={"failures": 2, "pause_s": 7})
    assert view["circuit"] == {"failures": 2, "pause_s": 7}
    listed = world.call("GET", "/v1/routing/circuits", key=shop.secret_key).json()["data"]
    assert [each["threshold"] for each in listed] == [2, 2]
    wrong = {"providers": [first, second["id"]], "circuit": {"failures": 0}}
    (error,) = problem(world.call("PUT", "/v1/routing", wrong, key=shop.secret_key), 422, "invalid_request")["errors"]
    assert error["where"] == "circuit.failures"


def test_the_operator_says_what_a_merchant_trades_in(world: World) -> None:
    """Category and country at creation and later; routing rules see them from the next payment on."""
    made = world.call("POST", "/v1/merchants", {"name": "Grocer", "mcc": "5411", "country": "DE"}, key=ADMIN_KEY)
    assert made.status_code == 201, made.text
    new = made.json()
    shown = {name: new[name] for name in ("id", "object", "name", "mcc", "country", "created_at")}
    assert (shown["name"], shown["mcc"], shown["country"]) == ("Grocer", "5411", "DE")
    path = f"/v1/merchants/{new['id']}"
    assert world.call("GET", path, key=ADMIN_KEY).json() == shown
    changed = world.call("PATCH", path, {"mcc": None, "name": "Grocer & son"}, key=ADMIN_KEY)
    assert changed.json() == shown | {"name": "Grocer & son", "mcc": None}
    for body in ({}, {"mcc": "541"}, {"mcc": 5411}, {"country": "de"}, {"name": None}, {"plan": "gold"}):
        problem(world.call("PATCH", path, body, key=ADMIN_KEY), 422, "invalid_request")
    problem(world.call("POST", "/v1/merchants", {"name": "x", "mcc": "54 1"}, key=ADMIN_KEY), 422, "invalid_request")
    nobody = "/v1/merchants/mer_" + "0" * 26
    problem(world.call("PATCH", nobody, {"mcc": "5411"}, key=ADMIN_KEY), 404, "merchant_not_found")
    problem(world.call("GET", path, key=new["secret_key"]), 403, "key_not_allowed")
    shop, second = two_accounts(world)
    first = shop.account["id"]
    rules = [{"id": "bets", "when": {"mcc": ["7995"]}, "providers": [second["id"]]}]
    route(world, shop, providers=[first, second["id"]], max_fallbacks=0, rules=rules)
    assert asked(world, shop, pay(world, shop)) == [first]
    world.call("PATCH", f"/v1/merchants/{shop.id}", {"mcc": "7995"}, key=ADMIN_KEY)
    assert asked(world, shop, pay(world, shop)) == [second["id"]]


def test_reports_ask_for_days_and_known_dimensions(world: World) -> None:
    shop = world.open_shop()

    def ask(query: str) -> Any:
        return world.call("GET", f"/v1/reports/routing?{query}", key=shop.secret_key)

    empty = {"object": "list", "data": [], "has_more": False, "next_cursor": None}
    assert ask("from=2026-11-22&to=2026-11-22&by=provider,brand,day").json() == empty
    for query in ("from=2026-11-22&to=2026-11-21", "from=2026-02-30&to=2026-03-01", "from=2024-01-01&to=2026-01-01"):
        problem(ask(query), 422, "period_invalid")
    for by in ("colour", "provider,provider", "provider,"):
        problem(ask(f"from=2026-11-22&to=2026-11-22&by={by}"), 422, "invalid_request")
