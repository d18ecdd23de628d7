"""Objects and their edges: lists, expansion, metadata, errors, currencies, cards, search."""

import base64
from typing import Any

import pytest
import stripe

from tests.simulators.stripe.simulator import Bench, Shop

PARAMS: dict[str, Any] = {"amount": 4200, "currency": "eur", "confirm": True, "payment_method": "pm_card_visa"}
CARD = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2034, "cvc": "123"}


# -- lists
def test_auto_pagination_newest_first(shop: Shop) -> None:
    made = [shop.api.customers.create({"name": str(number)}).id for number in range(7)]
    page = shop.api.customers.list({"limit": 3})
    assert (page.has_more, page.url, [one.id for one in page.data]) == (True, "/v1/customers", made[:3:-1])
    assert [one.id for one in page.auto_paging_iter()] == made[::-1]
    before = shop.api.customers.list({"limit": 2, "ending_before": made[2]})
    assert ([one.id for one in before.data], before.has_more) == ([made[4], made[3]], True)
    after = shop.api.customers.list({"limit": 100, "starting_after": made[2]})
    assert ([one.id for one in after.data], after.has_more) == ([made[1], made[0]], False)


def test_list_filters(shop: Shop) -> None:
    customer = shop.api.customers.create({"email": "a@b.example"})
    one = shop.api.payment_intents.create({**PARAMS, "customer": customer.id})
    two = shop.api.payment_intents.create(PARAMS)
    assert [x.id for x in shop.api.payment_intents.list({"customer": customer.id}).data] == [one.id]
    assert [x.id for x in shop.api.charges.list({"payment_intent": two.id}).data] == [two.latest_charge]
    refund = shop.api.refunds.create({"payment_intent": two.id, "amount": 1})
    assert [x.id for x in shop.api.refunds.list({"payment_intent": two.id}).data] == [refund.id]
    assert shop.api.refunds.list({"charge": one.latest_charge}).data == []
    assert shop.api.customers.list({"email": "A@B.example"}).data == []
    assert len(shop.api.customers.list({"created": {"gte": customer.created}}).data) == 1
    assert shop.api.customers.list({"created": {"lt": customer.created}}).data == []


@pytest.mark.parametrize(
    ("query", "code", "param"),
    [
        ("limit=0", "parameter_invalid_integer", "limit"),
        ("limit=101", "parameter_invalid_integer", "limit"),
        ("limit=x", "parameter_invalid_integer", "limit"),
        ("limit=1.5", "parameter_invalid_integer", "limit"),
        ("starting_after=cus_none", "resource_missing", "starting_after"),
        ("colour=red", "parameter_unknown", "colour"),
        ("created[below]=1", "parameter_unknown", "created[below]"),
        ("starting_after=a&ending_before=b", None, None),
        ("expand[]=data.balance", None, "expand"),
        ("expand[]=email", None, "expand"),
        ("limit", "parameter_invalid_empty", "limit"),
    ],
)
def test_bad_list_parameters(shop: Shop, query: str, code: str | None, param: str | None) -> None:
    shop.api.customers.create()
    answer = shop.http("GET", f"/v1/customers?{query}")
    error = answer.json()["error"]
    assert (answer.status_code, error["type"]) == (400, "invalid_request_error")
    assert (error.get("code"), error.get("param")) == (code, param)


# -- expansion
def test_expand_nested_and_in_lists(shop: Shop) -> None:
    customer = shop.api.customers.create({"name": "Ann"})
    intent = shop.api.payment_intents.create(
        {
            **PARAMS,
            "customer": customer.id,
            "expand": ["latest_charge.customer", "payment_method", "latest_charge.refunds"],
        }
    )
    assert intent.latest_charge.customer.name == "Ann"
    assert intent.payment_method.card.last4 == "4242"
    assert intent.latest_charge.refunds.data == []
    listed = shop.api.charges.list({"expand": ["data.payment_intent.customer"]})
    assert listed.data[0].payment_intent.customer.name == "Ann"
    answer = shop.http("GET", f"/v1/payment_intents/{intent.id}?expand[]=customer&expand[]=latest_charge")
    assert (answer.json()["customer"]["name"], answer.json()["latest_charge"]["object"]) == ("Ann", "charge")
    answer = shop.http("GET", f"/v1/payment_intents/{intent.id}?expand%5B0%5D=customer")
    assert answer.json()["customer"]["id"] == customer.id


def test_expand_refuses_and_then_nothing_is_done(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=r"cannot be expanded \(amount\)"):
        shop.api.payment_intents.create({**PARAMS, "expand": ["amount"]})
    with pytest.raises(stripe.InvalidRequestError, match="more than 4 levels"):
        shop.api.payment_intents.create({**PARAMS, "expand": ["latest_charge.payment_intent.latest_charge.customer.a"]})
    assert shop.journal() == []
    assert shop.api.payment_intents.list().data == []


def test_old_version_shows_invoice(shop: Shop) -> None:
    intent = shop.api.payment_intents.create({**PARAMS, "expand": ["latest_charge"]})
    assert "invoice" not in intent.to_dict()
    path = f"/v1/payment_intents/{intent.id}?expand[]=latest_charge"
    answer = shop.http("GET", path, stripe_version="2023-08-16")
    assert (answer.json()["invoice"], answer.json()["latest_charge"]["invoice"]) == (None, None)
    assert answer.headers["stripe-version"] == "2023-08-16"


# -- metadata
def test_metadata_merges_and_unsets(shop: Shop) -> None:
    customer = shop.api.customers.create({"metadata": {"a": "1", "b": "2"}})
    customer = shop.api.customers.update(customer.id, {"metadata": {"b": "", "c": "3"}})
    assert customer.metadata.to_dict() == {"a": "1", "c": "3"}
    assert shop.api.customers.update(customer.id, {"metadata": ""}).metadata.to_dict() == {}


@pytest.mark.parametrize(
    "metadata",
    [{"k" * 41: "v"}, {"k": "v" * 501}, {str(number): "v" for number in range(51)}],
    ids=["long key", "long value", "too many"],
)
def test_metadata_limits(shop: Shop, metadata: dict[str, str]) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.api.customers.create({"metadata": metadata})
    assert refused.value.param.startswith("metadata")


def test_an_empty_string_unsets(shop: Shop) -> None:
    customer = shop.api.customers.create({"name": "Ann", "email": "a@b.example"})
    assert shop.api.customers.update(customer.id, {"name": ""}).name is None
    answer = shop.http("POST", "/v1/payment_intents", "amount=&currency=eur")
    assert answer.json()["error"]["code"] == "parameter_invalid_empty"


# -- errors
@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ("currency=eur", "parameter_missing", "amount"),
        ("amount=4200", "parameter_missing", "currency"),
        ("amount=4200&currency=eur&foo[bar]=1", "parameter_unknown", "foo"),
        ("amount=4200&currency=eur&payment_method_data[x]=1", "parameter_unknown", "payment_method_data[x]"),
        ("amount=4200&currency=eur&payment_method_data[card][number]=1", "parameter_missing",
         "payment_method_data[type]"),
        ("amount=42.5&currency=eur", "parameter_invalid_integer", "amount"),
        ("amount=4200&currency=xxx", None, "currency"),
        ("amount=4200&currency=eur&capture_method=later", None, "capture_method"),
        ("amount=4200&currency=eur&confirm=maybe", None, "confirm"),
        ("amount=4200&currency=eur&customer=cus_none", "resource_missing", "customer"),
        ("amount=4200&currency=eur&confirm=true&payment_method=pm_none", "resource_missing", "payment_method"),
        ("amount=4200&currency=eur&confirm=true", "payment_intent_unexpected_state", None),
        ("amount=4200&currency=eur&off_session=true", None, "off_session"),
        ("amount=4200&currency=eur&transfer_data[destination]=acct_1", None, "transfer_data"),
        ("amount=4200&currency=eur&payment_method_types[]=sepa_debit", "payment_intent_invalid_parameter",
         "payment_method_types"),
        ("amount[a=1", None, None),
        ("amount=%ff&currency=eur", None, None),
    ],
)  # fmt: skip
def test_bad_parameters(shop: Shop, body: str, code: str | None, param: str | None) -> None:
    answer = shop.http("POST", "/v1/payment_intents", body)
    error = answer.json()["error"]
    assert (answer.status_code, error["type"]) == (400, "invalid_request_error")
    assert (error.get("code"), error.get("param")) == (code, param)
    assert answer.headers["request-id"].startswith("req_")
    assert answer.headers["stripe-should-retry"] == "false"
    if code is not None:
        assert error["doc_url"] == f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}"


def test_json_is_not_understood(shop: Shop) -> None:
    answer = shop.http("POST", "/v1/customers", "{}", content_type="application/json")
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")


def test_keys(shop: Shop) -> None:
    missing = shop.http("GET", "/v1/customers", authorization="")
    assert (missing.status_code, missing.json()["error"]["type"]) == (401, "invalid_request_error")
    with pytest.raises(stripe.AuthenticationError, match=r"Invalid API Key provided: sk_test_\*+wxyz"):
        shop.api.customers.list({}, {"api_key": "sk_test_1234567890wxyz"})
    basic = base64.b64encode(f"{shop.key}:".encode()).decode()
    assert shop.http("GET", "/v1/customers", authorization=f"Basic {basic}").status_code == 200


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/unicorns"), ("PUT", "/v1/customers"), ("GET", "/"), ("POST", "/v1/charges")]
)
def test_unknown_urls(shop: Shop, method: str, path: str) -> None:
    answer = shop.http(method, path)
    assert answer.status_code == 404
    assert answer.json()["error"]["message"].startswith(f"Unrecognized request URL ({method}: {path}).")


def test_missing_objects(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="No such payment_intent: 'pi_none'") as missing:
        shop.api.payment_intents.retrieve("pi_none")
    assert (missing.value.http_status, missing.value.code, missing.value.param) == (404, "resource_missing", "intent")
    with pytest.raises(stripe.InvalidRequestError, match="No such customer: 'cus_none'") as missing:
        shop.api.customers.update("cus_none", {"name": "x"})
    assert missing.value.http_status == 404


# -- currencies
@pytest.mark.parametrize(
    ("amount", "currency", "code"),
    [
        (49, "eur", "amount_too_small"), (50, "eur", None), (29, "gbp", "amount_too_small"), (30, "gbp", None),
        (50, "jpy", None), (49, "jpy", "amount_too_small"), (1000, "kwd", None), (1001, "kwd", "invalid_charge_amount"),
        (100_000_000, "eur", "amount_too_large"), (0, "eur", "parameter_invalid_integer"),
        (-5, "eur", "parameter_invalid_integer"), (1050, "isk", "invalid_charge_amount"), (4200, "EUR", None),
    ],
)  # fmt: skip
def test_currency_rules(shop: Shop, amount: int, currency: str, code: str | None) -> None:
    if code is None:
        intent = shop.api.payment_intents.create({**PARAMS, "amount": amount, "currency": currency})
        assert (intent.amount_received, intent.currency) == (amount, currency.lower())
        assert shop.journal() == [("charge", amount, currency.upper())]
    else:
        with pytest.raises(stripe.InvalidRequestError) as refused:
            shop.api.payment_intents.create({**PARAMS, "amount": amount, "currency": currency})
        assert (refused.value.code, refused.value.param) == (code, "amount")
        assert shop.journal() == []


# -- payment methods
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"number": "4242424242424241"}, "incorrect_number"), ({"number": "42"}, "incorrect_number"),
        ({"exp_month": 13}, "invalid_expiry_month"), ({"exp_year": 2020}, "invalid_expiry_year"),
        ({"cvc": "12"}, "invalid_cvc"), ({"cvc": "1234"}, "invalid_cvc"),
    ],
)  # fmt: skip
def test_typed_cards_are_checked(shop: Shop, change: dict[str, Any], code: str) -> None:
    with pytest.raises(stripe.CardError) as refused:
        shop.api.payment_methods.create({"type": "card", "card": {**CARD, **change}})
    assert refused.value.code == code


def test_a_method_is_used_once_unless_it_is_attached(shop: Shop) -> None:
    method = shop.api.payment_methods.create({"type": "card", "card": CARD})
    shop.api.payment_intents.create({**PARAMS, "payment_method": method.id})
    with pytest.raises(stripe.InvalidRequestError, match="previously used"):
        shop.api.payment_intents.create({**PARAMS, "payment_method": method.id})
    customer = shop.api.customers.create({"payment_method": "pm_card_visa"})
    (kept,) = shop.api.customers.payment_methods.list(customer.id).data
    for _ in range(2):
        shop.api.payment_intents.create({**PARAMS, "payment_method": kept.id, "customer": customer.id})
    with pytest.raises(stripe.InvalidRequestError, match="must be used with that `customer`"):
        shop.api.payment_intents.create({**PARAMS, "payment_method": kept.id})
    shop.api.payment_methods.detach(kept.id)
    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        shop.api.payment_methods.attach(kept.id, {"customer": customer.id})


def test_fingerprints_tell_cards_apart_within_an_account(shop: Shop) -> None:
    def prints(number: str) -> str:
        made = shop.api.payment_methods.create({"type": "card", "card": {**CARD, "number": number}})
        return str(made.card.fingerprint)

    assert prints("4242424242424242") == prints("4242 4242 4242 4242") != prints("5555555555554444")


def test_deleted_customer(shop: Shop) -> None:
    customer = shop.api.customers.create({"payment_method": "pm_card_visa"})
    gone = shop.api.customers.delete(customer.id)
    assert gone.to_dict() == {"id": customer.id, "object": "customer", "deleted": True}
    assert shop.api.customers.retrieve(customer.id).deleted is True
    assert shop.api.customers.list().data == []
    with pytest.raises(stripe.InvalidRequestError):
        shop.api.customers.update(customer.id, {"name": "x"})


def test_no_card_number_is_kept(bench: Bench, shop: Shop) -> None:
    """Neither objects, journal, requests log nor the account's dump hold the number or the security code."""
    number, cvc = "4000056655665556", "987"
    body = (
        "amount=4200&currency=eur&confirm=true&payment_method_data[type]=card&payment_method_data[card][exp_year]=2034"
        f"&payment_method_data[card][number]={number}&payment_method_data[card][exp_month]=12"
        f"&payment_method_data[card][cvc]={cvc}"
    )
    assert shop.http("POST", "/v1/payment_intents", body, idempotency_key="secret").status_code == 200
    assert bench.sims.group is not None
    account = bench.sims.group.worlds["stripe"].by_key[shop.key]
    everything = str([account.store.dump(), account.journal.entries, list(account.requests), account.remembered])
    assert number not in everything
    assert f'"{cvc}"' not in everything
    assert f"'{cvc}'" not in everything
    assert number[:6] in everything


# -- search
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("metadata['order']:'7'", [1]), ('metadata["order"]:"8"', [2]), ("status:'succeeded'", [2, 1]),
        ("amount>4200", [2]), ("amount<=4200 AND currency:'eur'", [1]),
        ("metadata['order']:'7' OR amount:4300", [2, 1]),
        ("-metadata['order']:'7'", [2]), ("metadata['order']:null", []), ("metadata['order']~'7'", [1]),
    ],
)  # fmt: skip
def test_search(shop: Shop, query: str, found: list[int]) -> None:
    made = [
        shop.api.payment_intents.create({**PARAMS, "amount": amount, "metadata": {"order": order}}).id
        for amount, order in ((4200, "7"), (4300, "8"))
    ]
    result = shop.api.payment_intents.search({"query": query})
    assert [intent.id for intent in result.data] == [made[number - 1] for number in found]


def test_search_pages_and_refuses(shop: Shop) -> None:
    made = [shop.api.payment_intents.create(PARAMS).id for _ in range(3)]
    page = shop.api.payment_intents.search({"query": "currency:'eur'", "limit": 2})
    assert (page.has_more, [one.id for one in page.auto_paging_iter()]) == (True, made[::-1])
    for wrong in ("colour:'red'", "amount:", "status>'a'", "a AND b", "status:'a' AND amount:1 OR amount:2"):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            shop.api.payment_intents.search({"query": wrong})
        assert refused.value.param == "query"
